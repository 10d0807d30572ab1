-- A fence is the time, so that it grows also when another server takes over that has not heard of the last one.
local function next_fence(queue, time)
  local fence = string.format("%d", time[1] * 1000000 + time[2])
  local last = redis.call("SET", queue .. ":fence", fence, "GET")
  if not last or tonumber(last) < tonumber(fence) then return fence end
  fence = string.format("%d", last + 1)
  redis.call("SET", queue .. ":fence", fence)
  return fence
end
