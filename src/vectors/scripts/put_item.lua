-- Stores one item whole, if what is there is still what was read.
-- KEYS set          vector set of the namespace
-- KEYS items        hash: id -> record
-- KEYS due          zset of ids by the time (ms) when they end; only those that end
-- KEYS contract     string: what all handles of the collection agree on
-- ARGV agreed       the contract of this handle
-- ARGV quantisation Q8, NOQUANT or BIN
-- ARGV before       the record as it was read; empty: nothing was there
-- ARGV row...       id, float32 vector, attributes (JSON), record, ttl_ms (0 = no end)
-- REPLY 1 stored, 0 it is something else by now; the other contract, as text, when it differs and nothing was stored
-- SHAPE 0 | 1 | text
local set = KEYS[1]
local items = KEYS[2]
local due = KEYS[3]
local contract = KEYS[4]
local agreed = ARGV[1]
local quantisation = ARGV[2]
local before = ARGV[3]
local known = redis.call("GET", contract)
if known and known ~= agreed then return known end
local id, ttl_ms = ARGV[4], tonumber(ARGV[8])
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = redis.call("ZSCORE", due, id)
local present = redis.call("HGET", items, id)
if not present or (ends and tonumber(ends) <= now) then present = "" end
if present ~= before then return 0 end
if not known then redis.call("SET", contract, agreed) end
redis.call("VADD", set, "FP32", ARGV[5], id, quantisation, "SETATTR", ARGV[6])
redis.call("HSET", items, id, ARGV[7])
if ttl_ms > 0 then
  redis.call("ZADD", due, now + ttl_ms, id)
else
  redis.call("ZREM", due, id)
end
return 1
