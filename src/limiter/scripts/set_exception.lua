-- Changes what holds for one subject alone, and marks its record so that takes look for it.
-- KEYS record       the subject's record
-- KEYS exceptions   hash: record of a subject -> JSON
-- ARGV change       JSON: blocked_ms (-1 without end, 0 no more), rules: { tag: { limit, limit_ms (-1 without end), more, more_ms, clear } }; limits as text, in thousandths
-- ARGV life_ms      how long the record is kept when nothing holds any more, > 0
-- REPLY what holds now, as JSON; "" when nothing
-- SHAPE text
local record = KEYS[1]
local exceptions = KEYS[2]
local change = ARGV[1]
local life_ms = tonumber(ARGV[2])
-- INCLUDE record
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stored = redis.call("HGET", exceptions, record)
local holds = stored and cjson.decode(stored) or {}
local asked = cjson.decode(change)
if asked.blocked_ms == 0 then
  holds.blocked = nil
elseif asked.blocked_ms then
  holds.blocked = asked.blocked_ms == -1 and 0 or now + asked.blocked_ms
end
holds.rules = holds.rules or {}
for tag, rule in pairs(asked.rules or {}) do
  local one = holds.rules[tag] or {}
  if rule.clear then one = {} end
  if rule.limit then
    one.limit, one.limit_until = rule.limit, rule.limit_ms == -1 and 0 or now + rule.limit_ms
  end
  if rule.more then one.more, one.more_until = rule.more, now + rule.more_ms end
  holds.rules[tag] = one
end
for tag, one in pairs(holds.rules) do
  if one.limit_until and one.limit_until ~= 0 and one.limit_until <= now then one.limit, one.limit_until = nil, nil end
  if one.more_until and one.more_until <= now then one.more, one.more_until = nil, nil end
  if next(one) == nil then holds.rules[tag] = nil end
end
if holds.blocked and holds.blocked ~= 0 and holds.blocked <= now then holds.blocked = nil end
if next(holds.rules) == nil then holds.rules = nil end
local head = redis.call("GETRANGE", record, 0, 8)
local marks, due = 0, 0
if #head == 9 then marks, due = struct.unpack(HEAD, head) end
marks = marks - marks % 2
if next(holds) == nil then
  redis.call("HDEL", exceptions, record)
  if #head == 9 then
    redis.call("SETRANGE", record, 0, struct.pack(HEAD, marks, due))
    redis.call("PEXPIRE", record, life_ms)
  end
  return ""
end
local text = cjson.encode(holds)
redis.call("HSET", exceptions, record, text)
redis.call("SETRANGE", record, 0, struct.pack(HEAD, marks + EXCEPTED, due))
redis.call("PERSIST", record)
return text
