-- Adds to the sums of a day: by names while there is room for more of them, else under names that stand for them.
-- KEYS day         the sums of the day, by row; "=" counts the rows
-- ARGV rows_max    rows that a day may have, > 0
-- ARGV life_ms     how long the day is kept, > 0
-- ARGV numbers     how many numbers a row sums up, > 0
-- ARGV rows...     for each: the row, the row that stands for it when there is no room, and its numbers
-- REPLY how many rows found no room
-- SHAPE integer
local day = KEYS[1]
local rows_max = tonumber(ARGV[1])
local life_ms = ARGV[2]
local numbers = tonumber(ARGV[3])
local kept = tonumber(redis.call("HGET", day, "=") or 0)
local turned_away = 0
for at = 4, #ARGV, numbers + 2 do
  local field = ARGV[at] .. "|="
  local known = redis.call("HGET", day, field)
  if not known and kept >= rows_max then
    field = ARGV[at + 1] .. "|="
    known = redis.call("HGET", day, field)
    turned_away = turned_away + 1
  end
  if not known then kept = kept + 1 end
  -- A row is one field: a report of a month reads tens of thousands of them.
  local sums = {}
  for sum in string.gmatch(known or "", "%d+") do sums[#sums + 1] = sum end
  for n = 1, numbers do sums[n] = string.format("%.0f", (sums[n] or 0) + ARGV[at + 1 + n]) end
  redis.call("HSET", day, field, table.concat(sums, " "))
end
redis.call("HSET", day, "=", kept)
redis.call("PEXPIRE", day, life_ms)
return turned_away
