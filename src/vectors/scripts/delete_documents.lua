-- Deletes items that are hashes.
-- KEYS ids          set of the ids
-- KEYS due          zset of ids by the time (ms) when they end
-- KEYS documents... hash of each item
-- ARGV gone...      the ids, in the same order
-- REPLY how many there were, ended ones not counted
-- SHAPE integer
-- IDEMPOTENT        what is gone stays gone; a repeated call may count less
local ids = KEYS[1]
local due = KEYS[2]
redis.call("SREM", ids, unpack(ARGV))
redis.call("ZREM", due, unpack(ARGV))
return redis.call("UNLINK", unpack(KEYS, 3))
