-- A partition of the local engine counts its changes. A process that keeps a copy of the partition asks for what is newer than the last
-- number it saw. The first number is the time in microseconds, so a partition that was dropped and made anew never gives one again.
-- A server that went back in time (a snapshot, a replica that lagged) gives numbers again: the time of each of the last changes is kept
-- in `marks`, four bytes each in a ring, so that a copy notices when a number it saw is another change by now.
-- INCLUDE marks
local TOMBSTONES_MAX = 1000
local function next_change(meta, marks)
  local time = redis.call("TIME")
  local micros = time[1] * 1000000 + time[2]
  local known = redis.call("HMGET", meta, "last", "marked")
  local number = known[1] and tonumber(known[1]) + 1 or micros
  if not known[2] then redis.call("HSET", meta, "marked", string.format("%.0f", number)) end
  local place = (number - tonumber(known[2] or number)) % MARKS_MAX
  redis.call("SETRANGE", marks, string.format("%.0f", 4 * place), struct.pack(">I4", micros % 4294967296))
  number = string.format("%.0f", number)
  redis.call("HSET", meta, "last", number)
  return number
end
local function note_row(meta, marks, changes, gone, id)
  redis.call("ZADD", changes, next_change(meta, marks), id)
  redis.call("ZREM", gone, id)
end
-- What is gone stays in the list for a while, so that copies hear of it. A copy older than the oldest tombstone begins anew.
local function note_gone(meta, marks, changes, gone, id)
  local number = next_change(meta, marks)
  redis.call("ZADD", changes, number, id)
  redis.call("ZADD", gone, number, id)
  if redis.call("ZCARD", gone) > TOMBSTONES_MAX then
    local oldest = redis.call("ZPOPMIN", gone)
    redis.call("ZREM", changes, oldest[1])
    redis.call("HSET", meta, "floor", string.format("%.0f", oldest[2]))
  end
end
