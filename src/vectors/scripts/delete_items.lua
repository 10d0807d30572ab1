-- Deletes items by id.
-- KEYS set          vector set of the namespace
-- KEYS items        hash: id -> record
-- KEYS due          zset of ids by the time (ms) when they end
-- ARGV ids...       at least one
-- REPLY how many there were, ended ones not counted
-- SHAPE integer
-- IDEMPOTENT        what is gone stays gone; a repeated call may count less
local set = KEYS[1]
local items = KEYS[2]
local due = KEYS[3]
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local deleted = 0
for _, id in ipairs(ARGV) do
  local ends = redis.call("ZSCORE", due, id)
  local had = redis.call("HDEL", items, id)
  redis.call("ZREM", due, id)
  redis.call("VREM", set, id)
  if not (ends and tonumber(ends) <= now) then deleted = deleted + had end
end
return deleted
