-- Ends leases that are over, a hundred at most: what they give back, who left a line, and when the next one may be over (0: none).
function rare.sweep(leases, now)
  local over = redis.call("ZRANGEBYSCORE", leases, "-inf", now, "LIMIT", 0, 100)
  local back = {}
  for _, member in ipairs(over) do
    redis.call("ZREM", leases, member)
    local place = string.match(member, "^w;(.+)$")
    if place then
      back[#back + 1] = { place = place }
    else
      local taken_at, id, units = string.match(member, "^(%d+):([^;]+);(.*)$")
      for tag, amount in string.gmatch(units or "", "(%d+)=(%d+)") do
        back[#back + 1] = { tag = tonumber(tag), units = tonumber(amount), id = id, taken_at = tonumber(taken_at) }
      end
    end
  end
  local next = redis.call("ZRANGE", leases, 0, 0, "WITHSCORES")
  if #next == 0 then return back, 0 end
  return back, tonumber(next[2])
end

-- Units that stand in line before a place: those of all when it is not in line yet.
function rare.ahead_of(line, member)
  local rank = redis.call("ZRANK", line, member) or redis.call("ZCARD", line)
  if rank == 0 then return 0 end
  local units = 0
  for _, other in ipairs(redis.call("ZRANGE", line, 0, rank - 1)) do
    units = units + tonumber(string.match(other, "^%d+") or 0)
  end
  return units
end

-- When enough of a log's oldest units will have gone.
function rare.log_wait(log, needed, length, now)
  local from = 0
  while true do
    local page = redis.call("ZRANGE", log, from, from + 99, "WITHSCORES")
    if #page == 0 then return length end
    for at = 1, #page, 2 do
      needed = needed - units_at_end(page[at])
      if needed <= 0 then return tonumber(page[at + 1]) + length - now end
    end
    from = from + 100
  end
end
