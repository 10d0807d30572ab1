-- Adds to the sums of a day: by names while there is room for more of them, else under names that stand for them.
-- KEYS day         the sums of the day, by row and what is summed up
-- ARGV rows_max    rows that a day may have, > 0
-- ARGV life_ms     how long the day is kept, > 0
-- ARGV whats       what is summed up, with spaces between; the first is never zero
-- ARGV rows...     for each: the row, the row that stands for it when there is no room, and a number for each of them
-- REPLY how many rows found no room
local day = KEYS[1]
local rows_max = tonumber(ARGV[1])
local life_ms = ARGV[2]
local whats = ARGV[3]
local names = {}
for what in string.gmatch(whats, "%S+") do names[#names + 1] = what end
local turned_away = 0
for at = 4, #ARGV, #names + 2 do
  local row = ARGV[at]
  -- A row has a field for each number that is not zero.
  if redis.call("HEXISTS", day, row .. "|" .. names[1]) == 0 and redis.call("HLEN", day) >= rows_max * #names then
    row = ARGV[at + 1]
    turned_away = turned_away + 1
  end
  for n, what in ipairs(names) do
    local amount = ARGV[at + 1 + n]
    if amount ~= "0" then redis.call("HINCRBY", day, row .. "|" .. what, amount) end
  end
end
redis.call("PEXPIRE", day, life_ms)
return turned_away
