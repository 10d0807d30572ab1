-- Counts the items of a partition of the local engine that have not ended, and says what they take.
-- KEYS items        hash: id -> record
-- KEYS rows         hash: id -> step (float32), 8-bit numbers, attributes (JSON)
-- KEYS due          zset of ids by the time (ms) when they end
-- REPLY { items, rows, bytes of the rows, bytes of the records }
-- SHAPE [integer, integer, integer, integer]
-- IDEMPOTENT        it reads
local items = KEYS[1]
local rows = KEYS[2]
local due = KEYS[3]
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local count = redis.call("HLEN", items) - redis.call("ZCOUNT", due, "-inf", now)
local function bytes(key) return redis.call("MEMORY", "USAGE", key) or 0 end
return { count, redis.call("HLEN", rows), bytes(rows), bytes(items) }
