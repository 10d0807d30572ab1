-- Counts the items of a namespace that have not ended, and says what they take.
-- KEYS set          vector set of the namespace
-- KEYS items        hash: id -> record
-- KEYS due          zset of ids by the time (ms) when they end
-- REPLY { items, elements in the index, bytes of the index, bytes of the records }
-- SHAPE [integer, integer, integer, integer]
-- IDEMPOTENT        it reads
local set = KEYS[1]
local items = KEYS[2]
local due = KEYS[3]
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local count = redis.call("HLEN", items) - redis.call("ZCOUNT", due, "-inf", now)
local function bytes(key) return redis.call("MEMORY", "USAGE", key) or 0 end
return { count, redis.call("VCARD", set), bytes(set), bytes(items) }
