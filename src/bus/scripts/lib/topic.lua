-- A topic's keys begin with its own name, which bears the hash tag. A partition is a stream of entries n (their number), k (key), b (body),
-- g (the one group that it is for). "cursors" has what each group has done with, by "group/partition": an entry's id, a space, its number.

-- Drops what every group has done with and retention does not keep, from the oldest on. Answers how many.
local function trim(topic, partition, keep, min_ms)
  local log = topic .. ":log:" .. partition
  local floor, floor_ms, floor_id
  local cursors = redis.call("HGETALL", topic .. ":cursors")
  for at = 1, #cursors, 2 do
    if string.match(cursors[at], "/(%d+)$") == partition then
      local id, number = string.match(cursors[at + 1], "^(%S+) (%d+)$")
      number = tonumber(number)
      if not floor or number < floor then floor, floor_id = number, id end
    end
  end
  local oldest = redis.call("XRANGE", log, "-", "+", "COUNT", 1)[1]
  if not oldest then return 0 end
  local length, dropped = redis.call("XLEN", log), 0
  -- Of all that is there so many are done with.
  local done = floor and math.min(length, floor - tonumber(oldest[2][2]) + 1) or length
  local over = math.min(length - keep, done)
  if over > 0 then dropped = redis.call("XTRIM", log, "MAXLEN", length - over) end
  if done > dropped and tonumber(string.match(oldest[1], "^%d+")) < min_ms then
    local until_id = string.format("%.0f", min_ms)
    if floor then
      local ms, seq = string.match(floor_id, "^(%d+)%-(%d+)$")
      if tonumber(ms) < min_ms then until_id = ms .. "-" .. string.format("%.0f", tonumber(seq) + 1) end
    end
    dropped = dropped + redis.call("XTRIM", log, "MINID", until_id)
  end
  return dropped
end
