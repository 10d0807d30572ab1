-- Hands on the parts given, those that are not there yet; the values before them are four.
if #ARGV > 4 then
  local known = redis.call("LLEN", handed)
  -- Redis lost what was handed on: who follows gets no thing with a hole.
  if known < from then return redis.call("DEL", lease) * 0 end
  for i = 5 + known - from, #ARGV do redis.call("RPUSH", handed, ARGV[i]) end
  redis.call("PEXPIRE", handed, life_ms)
end
