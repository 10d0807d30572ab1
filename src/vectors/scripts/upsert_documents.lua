-- Stores items of one namespace as hashes that a search index follows, all in one step.
-- KEYS contract     string: what all handles of the collection agree on
-- KEYS ids          set of the ids
-- KEYS due          zset of ids by the time (ms) when they end; only those that end
-- KEYS documents... hash of each item
-- ARGV agreed       the contract of this handle
-- ARGV sweep        how many ended ids to take out at most, >= 0
-- ARGV rows...      for each item: id, ttl_ms (0 = no end), number of words that follow, field, value, ...
-- REPLY how many items are new; the other contract, as text, when it differs and nothing was stored
-- SHAPE integer | text
-- IDEMPOTENT        the same items replace themselves
local contract = KEYS[1]
local ids = KEYS[2]
local due = KEYS[3]
local agreed = ARGV[1]
local sweep = tonumber(ARGV[2])
local known = redis.call("GET", contract)
if known and known ~= agreed then return known end
if not known then redis.call("SET", contract, agreed) end
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, old in ipairs(redis.call("ZRANGEBYSCORE", due, "-inf", now, "LIMIT", 0, sweep)) do
  redis.call("SREM", ids, old)
  redis.call("ZREM", due, old)
end
local new, at = 0, 3
for i = 4, #KEYS do
  local id, ttl_ms, words = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  -- Deleted first: fields and an end of before must not stay, and an index forgets no end that PERSIST took away.
  new = new + 1 - redis.call("UNLINK", KEYS[i])
  redis.call("HSET", KEYS[i], unpack(ARGV, at + 3, at + 2 + words))
  redis.call("SADD", ids, id)
  if ttl_ms > 0 then
    redis.call("PEXPIRE", KEYS[i], ttl_ms)
    redis.call("ZADD", due, now + ttl_ms, id)
  else
    redis.call("ZREM", due, id)
  end
  at = at + 3 + words
end
return new
