-- How many messages a topic has room for once so many more are there. What was read goes for what is to come, and then what only groups that nobody
-- read for idle_ms have not read. Below 0: it lacks room for so many.
local function room_beside(topic, partitions, room, many, keep_ms, idle_ms)
  local logs, left = topic .. ":log:", room - many
  for partition = 0, partitions - 1 do left = left - redis.call("XLEN", logs .. partition) end
  if left >= 0 then return left end
  -- INCLUDE topic
  -- INCLUDE groups
  local now = tonumber(redis.call("TIME")[1]) * 1000
  local function make_room()
    for partition = 0, partitions - 1 do
      if left < 0 then
        local place = tostring(partition)
        local ends = ends_of(logs .. place)
        left = left + trim(topic, place, ends, math.max(0, ends.length + left), now - keep_ms, true)
      end
    end
  end
  make_room()
  if left < 0 and idle_ms > 0 and forget_idle(topic, now, idle_ms) > 0 then make_room() end
  return left
end
