-- A fence is the time, so that it grows also when another server takes over that has not heard of the last one.
local function later_fence(last, time)
  return string.format("%d", math.max(tonumber(last or 0) + 1, time[1] * 1000000 + time[2]))
end

-- The next fence of those whose keys begin like this: one command, for the last one is nearly always before now.
local function next_fence(start, time)
  local fence = string.format("%d", time[1] * 1000000 + time[2])
  local last = redis.call("SET", start .. ":fence", fence, "GET")
  if not last or tonumber(last) < tonumber(fence) then return fence end
  fence = string.format("%d", last + 1)
  redis.call("SET", start .. ":fence", fence)
  return fence
end
