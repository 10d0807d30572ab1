-- Stores one item whole as a hash that a search index follows, if what is there is still what was read.
-- KEYS contract     string: what all handles of the collection agree on
-- KEYS ids          set of the ids
-- KEYS due          zset of ids by the time (ms) when they end; only those that end
-- KEYS document     hash of the item
-- ARGV agreed       the contract of this handle
-- ARGV before       the record as it was read; empty: nothing was there
-- ARGV id           the item
-- ARGV ttl_ms       life from now, 0 = no end
-- ARGV fields...    field, value, ...
-- REPLY 1 stored, 0 it is something else by now; the other contract, as text, when it differs and nothing was stored
-- SHAPE 0 | 1 | text
local contract = KEYS[1]
local ids = KEYS[2]
local due = KEYS[3]
local document = KEYS[4]
local agreed = ARGV[1]
local before = ARGV[2]
local id = ARGV[3]
local ttl_ms = tonumber(ARGV[4])
local known = redis.call("GET", contract)
if known and known ~= agreed then return known end
if (redis.call("HGET", document, "r") or "") ~= before then return 0 end
if not known then redis.call("SET", contract, agreed) end
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call("UNLINK", document)
redis.call("HSET", document, unpack(ARGV, 5))
redis.call("SADD", ids, id)
if ttl_ms > 0 then
  redis.call("PEXPIRE", document, ttl_ms)
  redis.call("ZADD", due, now + ttl_ms, id)
else
  redis.call("ZREM", due, id)
end
return 1
