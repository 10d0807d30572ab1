-- Puts another record and other attributes in place of an item's, if it is still what was read and has not ended.
-- KEYS set          vector set of the namespace
-- KEYS items        hash: id -> record
-- KEYS due          zset of ids by the time (ms) when they end
-- ARGV id           the item
-- ARGV before       its record as it was read
-- ARGV attributes   JSON
-- ARGV record       the new record
-- REPLY 1 replaced, 0 it is something else by now
-- SHAPE 0 | 1
local set = KEYS[1]
local items = KEYS[2]
local due = KEYS[3]
local id = ARGV[1]
local before = ARGV[2]
local attributes = ARGV[3]
local record = ARGV[4]
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = redis.call("ZSCORE", due, id)
if ends and tonumber(ends) <= now then return 0 end
if redis.call("HGET", items, id) ~= before then return 0 end
redis.call("VSETATTR", set, id, attributes)
redis.call("HSET", items, id, record)
return 1
