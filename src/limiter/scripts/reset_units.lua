-- Forgets what rules count; slots that are held stay held.
-- KEYS keys...   as take_units, the exceptions among them
-- ARGV spec      as take_units; a cost of 1 marks the rules to forget
-- REPLY how many rules counted something
-- SHAPE integer
-- IDEMPOTENT what is forgotten is forgotten
local spec = ARGV[1]
-- INCLUDE record
-- INCLUDE counting
-- INCLUDE spec
-- INCLUDE rewriting
spec = list_of(spec)
local subjects = spec[1]
local records = redis.call("MGET", unpack(KEYS, 1, subjects))
local forgotten, written, known, at, s = 0, {}, {}, RULES_AT, 0
while at <= #spec do
  local algorithm, tag, cost, x, _
  at, s, algorithm, tag, _, _, cost, x = rule_at(spec, at, s)
  if records[s] then
    local a, b, c = find(records[s], tag)
    if cost == 1 and algorithm ~= CONCURRENCY then
      if b + c > 0 then forgotten = forgotten + 1 end
      if algorithm == SLIDING_LOG then redis.call("DEL", KEYS[x]) end
      a, b, c = 0, 0, 0
    end
    known[tag] = true
    written[s] = (written[s] or string.sub(records[s], 1, FIRST - 1)) .. struct.pack(ENTRY, tag, a, b, c)
  end
end
for s, record in pairs(written) do
  redis.call("SET", KEYS[s], record .. unknown(records[s], known), "KEEPTTL")
end
return forgotten
