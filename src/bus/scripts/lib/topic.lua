-- A topic's keys begin with its own name, which bears the hash tag. A partition is a stream of entries n (their number), k (key), b (body),
-- g (the one group that it is for). "cursors" has what each group has done with, by "group/partition".
local TRIM_MAX = 1000

-- Drops what every group has done with and retention does not keep, from the oldest on. Answers how many.
local function trim(topic, partition, keep, min_ms)
  local log = topic .. ":log:" .. partition
  local floor, floor_ms
  local cursors = redis.call("HGETALL", topic .. ":cursors")
  for at = 1, #cursors, 2 do
    if string.match(cursors[at], "/(%d+)$") == partition then
      local ms, seq = string.match(cursors[at + 1], "^(%d+)%-(%d+)$")
      ms, seq = tonumber(ms), tonumber(seq)
      if not floor or ms < floor_ms or (ms == floor_ms and seq < floor) then floor_ms, floor = ms, seq end
    end
  end
  local over = redis.call("XLEN", log) - keep
  local oldest = redis.call("XRANGE", log, "-", "+", "COUNT", 1)[1]
  if not oldest or (over <= 0 and tonumber(string.match(oldest[1], "^%d+")) >= min_ms) then return 0 end
  local dropped, last = 0, nil
  for _, entry in ipairs(redis.call("XRANGE", log, "-", "+", "COUNT", TRIM_MAX)) do
    local ms, seq = string.match(entry[1], "^(%d+)%-(%d+)$")
    ms, seq = tonumber(ms), tonumber(seq)
    if floor and (ms > floor_ms or (ms == floor_ms and seq > floor)) then break end
    if dropped >= over and ms >= min_ms then break end
    dropped, last = dropped + 1, ms .. "-" .. (seq + 1)
  end
  if dropped > 0 then
    redis.call("XTRIM", log, "MINID", string.format("%.0f-%.0f", string.match(last, "^(%d+)"), string.match(last, "(%d+)$")))
    redis.call("HINCRBY", topic .. ":meta", "size", -dropped)
  end
  return dropped
end
