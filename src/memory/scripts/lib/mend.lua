-- Makes what is known of a session anew when it was lost (evicted, deleted) while its turns stand: these are numbered from 1.
local function mend(log, meta)
  if redis.call("HEXISTS", meta, "created") == 1 or redis.call("EXISTS", log) == 0 then return false end
  local time = redis.call("TIME")
  local bytes, tokens = 0, 0
  local turns = redis.call("LRANGE", log, 0, -1)
  for _, turn in ipairs(turns) do bytes, tokens = bytes + #turn, tokens + tonumber(string.match(turn, "^%d+") or 0) end
  local created = string.format("%.0f", time[1] * 1000 + math.floor(time[2] / 1000))
  redis.call("HSET", meta, "version", #turns, "created", created, "epoch", time[1] .. time[2], "bytes", bytes, "tokens", tokens)
  return true
end

-- Reads what is known of a session: "created", then the fields that are asked for. Answers also whether that was lost and made anew.
local function known_of(log, meta, ...)
  local known = redis.call("HMGET", meta, "created", ...)
  -- Most that know nothing are new: they have no turns either.
  if known[1] or redis.call("EXISTS", log) == 0 or not mend(log, meta) then return known, false end
  return redis.call("HMGET", meta, "created", ...), true
end
