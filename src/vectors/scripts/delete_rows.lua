-- Deletes items of the local engine by id.
-- KEYS items        hash: id -> record
-- KEYS rows         hash: id -> step (float32), 8-bit numbers, attributes (JSON)
-- KEYS due          zset of ids by the time (ms) when they end; only those that end
-- KEYS changes      zset of ids by the number of their last change
-- KEYS gone         zset of ids that are no more, by the same
-- KEYS meta         hash: contract, born, last, floor, marked
-- KEYS marks        string: a ring of the times of the last changes, four bytes each
-- ARGV ids...       at least one
-- REPLY how many there were, ended ones not counted
-- SHAPE integer
-- IDEMPOTENT        what is gone stays gone; a repeated call may count less
-- INCLUDE changes
local items = KEYS[1]
local rows = KEYS[2]
local due = KEYS[3]
local changes = KEYS[4]
local gone = KEYS[5]
local meta = KEYS[6]
local marks = KEYS[7]
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local deleted = 0
for _, id in ipairs(ARGV) do
  local ends = redis.call("ZSCORE", due, id)
  if redis.call("HDEL", items, id) == 1 then
    redis.call("HDEL", rows, id)
    redis.call("ZREM", due, id)
    note_gone(meta, marks, changes, gone, id)
    if not (ends and tonumber(ends) <= now) then deleted = deleted + 1 end
  end
end
return deleted
