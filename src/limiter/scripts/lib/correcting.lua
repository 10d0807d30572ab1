-- Corrects units that were taken at a time, as far as they still count. Answers the numbers and whether it did.
function rare.correct(algorithm, a, b, c, limit, length, x, now, taken_at, delta, id, old)
  if delta == 0 then return a, b, c, false end
  if algorithm == SLIDING_WINDOW then
    local window = math.floor(taken_at / length)
    if window == a then return a, math.max(0, b + delta), c, true end
    if window == a - 1 then return a, b, math.max(0, c + delta), true end
    return a, b, c, false
  elseif algorithm == FIXED_WINDOW or algorithm == CALENDAR then
    if taken_at < a then return a, b, c, false end
  elseif algorithm == TOKEN_BUCKET then
    -- What has leaked since may have been this: only the rest is certain to count still.
    local rest = math.max(0, math.abs(delta) - math.max(0, now - taken_at) * limit / length)
    if rest == 0 then return a, b, c, false end
    if delta < 0 then rest = -rest end
    return a, math.max(0, b + rest), c, true
  elseif algorithm == SLIDING_LOG then
    local log = KEYS[x]
    if old > 0 then
      if redis.call("ZREM", log, id .. string.format(":%.0f", old)) == 0 then return a, b, c, false end
      if old + delta > 0 then redis.call("ZADD", log, taken_at, id .. string.format(":%.0f", old + delta)) end
    elseif delta > 0 then
      if taken_at <= now - length then return a, b, c, false end
      redis.call("ZADD", log, taken_at, id .. string.format(":%.0f", delta))
      redis.call("PEXPIRE", log, length)
    else
      -- Nothing says which take is given back: the newest ones are, each by what it has.
      local left = -delta
      while left > 0 do
        local newest = redis.call("ZREVRANGE", log, 0, 0, "WITHSCORES")
        if #newest == 0 then break end
        local name, cost = string.match(newest[1], "^(.+):(%d+)$")
        cost = tonumber(cost or 0)
        local given = math.min(left, cost)
        redis.call("ZREM", log, newest[1])
        if cost - given > 0 then
          redis.call("ZADD", log, newest[2], name .. string.format(":%.0f", cost - given))
        end
        left = left - given
      end
      delta = delta + left
    end
  end
  return a, math.max(0, b + delta), c, true
end
