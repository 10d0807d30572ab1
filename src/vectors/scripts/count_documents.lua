-- Counts the items of a namespace that have not ended, where items are hashes.
-- KEYS ids          set of the ids
-- KEYS due          zset of ids by the time (ms) when they end
-- REPLY how many
-- SHAPE integer
-- IDEMPOTENT        it reads
local ids = KEYS[1]
local due = KEYS[2]
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call("SCARD", ids) - redis.call("ZCOUNT", due, "-inf", now)
