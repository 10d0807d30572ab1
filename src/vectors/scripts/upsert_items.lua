-- Stores items of one namespace, all in one step.
-- KEYS set          vector set of the namespace
-- KEYS items        hash: id -> record
-- KEYS due          zset of ids by the time (ms) when they end; only those that end
-- KEYS contract     string: what all handles of the collection agree on
-- ARGV agreed       the contract of this handle
-- ARGV quantisation Q8, NOQUANT or BIN
-- ARGV sweep        how many ended items to take out at most, >= 0
-- ARGV rows...      for each item: id, float32 vector, attributes (JSON), record, ttl_ms (0 = no end)
-- REPLY how many items are new; the other contract, as text, when it differs and nothing was stored
-- SHAPE integer | text
-- IDEMPOTENT        the same items replace themselves
local set = KEYS[1]
local items = KEYS[2]
local due = KEYS[3]
local contract = KEYS[4]
local agreed = ARGV[1]
local quantisation = ARGV[2]
local sweep = tonumber(ARGV[3])
local known = redis.call("GET", contract)
if known and known ~= agreed then return known end
if not known then redis.call("SET", contract, agreed) end
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, old in ipairs(redis.call("ZRANGEBYSCORE", due, "-inf", now, "LIMIT", 0, sweep)) do
  redis.call("VREM", set, old)
  redis.call("HDEL", items, old)
  redis.call("ZREM", due, old)
end
local new = 0
for i = 4, #ARGV, 5 do
  local id, ttl_ms = ARGV[i], tonumber(ARGV[i + 4])
  redis.call("VADD", set, "FP32", ARGV[i + 1], id, quantisation, "SETATTR", ARGV[i + 2])
  new = new + redis.call("HSET", items, id, ARGV[i + 3])
  if ttl_ms > 0 then
    redis.call("ZADD", due, now + ttl_ms, id)
  else
    redis.call("ZREM", due, id)
  end
end
return new
