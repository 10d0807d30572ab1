-- Adds to what was spent on a day: by key, user and model while there is room for more of them, else under "(other)".
-- KEYS day         what was spent on the day, by row and what is counted
-- ARGV rows_max    rows that a day may have, > 0
-- ARGV life_ms     how long the day is kept, > 0
-- ARGV rows...     for each: the row, the row that stands for it when there is no room, requests, prompt tokens, completion tokens, millionths of the currency
-- REPLY how many rows found no room
local day = KEYS[1]
local rows_max = tonumber(ARGV[1])
local life_ms = ARGV[2]
local WHAT = { "requests", "promptTokens", "completionTokens", "micros" }
local FIELDS = 6
local turned_away = 0
for at = 3, #ARGV, FIELDS do
  local row = ARGV[at]
  -- A row has a field for each number that is not zero; requests never are.
  if redis.call("HEXISTS", day, row .. "|requests") == 0 and redis.call("HLEN", day) >= rows_max * #WHAT then
    row = ARGV[at + 1]
    turned_away = turned_away + 1
  end
  for n, what in ipairs(WHAT) do
    local amount = ARGV[at + 1 + n]
    if amount ~= "0" then redis.call("HINCRBY", day, row .. "|" .. what, amount) end
  end
end
redis.call("PEXPIRE", day, life_ms)
return turned_away
