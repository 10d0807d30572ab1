-- Hands on the parts given, those that are not there yet; `before` values come before them.
if #ARGV > before then
  local known = redis.call("LLEN", handed)
  -- Redis lost what was handed on: who follows gets no thing with a hole.
  if known < from then return redis.call("DEL", lease) * 0 end
  for i = before + 1 + known - from, #ARGV do redis.call("RPUSH", handed, ARGV[i]) end
  redis.call("PEXPIRE", handed, life_ms)
end
