-- Deletes what a namespace has beside its hashes, if it has no items: with it, items that are written meanwhile can be listed and deleted.
-- KEYS ids          set of the ids
-- KEYS due          zset of ids by the time (ms) when they end
-- KEYS contract     string: what all handles of the collection agree on
-- REPLY 1 deleted, or nothing was there; 0 it has items
-- SHAPE 0 | 1
-- IDEMPOTENT        what is gone stays gone
local ids = KEYS[1]
local due = KEYS[2]
local contract = KEYS[3]
if redis.call("EXISTS", ids) == 1 then return 0 end
redis.call("UNLINK", due, contract)
return 1
