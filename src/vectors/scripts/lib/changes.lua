-- A partition of the local engine tells its changes: each has a number, larger than all before it. A process that keeps a copy of the
-- partition asks for what is newer than the last number it saw. Numbers begin at the time in microseconds, so a partition that was
-- dropped and made anew never gives one again.
local TOMBSTONES_MAX = 1000
local function next_change(meta)
  local time = redis.call("TIME")
  local number = math.max(time[1] * 1000000 + time[2], tonumber(redis.call("HGET", meta, "last") or 0) + 1)
  number = string.format("%.0f", number)
  redis.call("HSET", meta, "last", number)
  return number
end
local function note_row(meta, changes, gone, id)
  redis.call("ZADD", changes, next_change(meta), id)
  redis.call("ZREM", gone, id)
end
-- What is gone stays in the list for a while, so that copies hear of it. A copy older than the oldest tombstone begins anew.
local function note_gone(meta, changes, gone, id)
  local number = next_change(meta)
  redis.call("ZADD", changes, number, id)
  redis.call("ZADD", gone, number, id)
  if redis.call("ZCARD", gone) > TOMBSTONES_MAX then
    local oldest = redis.call("ZPOPMIN", gone)
    redis.call("ZREM", changes, oldest[1])
    redis.call("HSET", meta, "floor", string.format("%.0f", oldest[2]))
  end
end
