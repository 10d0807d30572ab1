-- Whether all of these jobs (ids with a space between them) are the tenant's, and done or still to be.
local function all_there(queue, tenant, after)
  for other in string.gmatch(after, "%S+") do
    local stored = redis.call("HMGET", queue .. ":job:" .. other, "tenant", "state")
    if stored[1] ~= tenant or stored[2] == "dead" or stored[2] == "cancelled" then return false end
  end
  return true
end

-- Makes a job wait for others that are not done, and answers how many.
local function block(queue, id, after)
  local waits = 0
  for other in string.gmatch(after, "%S+") do
    local state = redis.call("HGET", queue .. ":job:" .. other, "state")
    if state ~= "done" and redis.call("SADD", queue .. ":next:" .. other, id) == 1 then
      redis.call("HSET", queue .. ":job:" .. other, "next", 1)
      waits = waits + 1
    end
  end
  return waits
end

-- Puts a new job, and answers whether it waits already. brief "": its output lives as long as its result; kind "": job; wait "": it waits as long as it takes.
local function put_job(queue, tenant, id, payload, priority, delay, attempts, crashes, life, brief, kind, after, wait, now, seq, first)
  -- Dearer ones first, then in the order of coming.
  local place = (100 - priority) * 1099511627776 + seq
  local job = queue .. ":job:" .. id
  local waits = after == "" and 0 or block(queue, id, after)
  local state = waits ~= 0 and "blocked" or delay > 0 and "delayed" or "waiting"
  redis.call("HSET", job, "tenant", tenant, "state", state, "place", place,
    "left", attempts, "of", attempts, "lives", crashes, "life", life, "made", now)
  redis.call("SET", queue .. ":in:" .. id, payload)
  if wait ~= "" then redis.call("HSET", job, "until", string.format("%.0f", now + delay + tonumber(wait))) end
  if brief ~= "" then redis.call("HSET", job, "brief", brief) end
  if kind ~= "" then redis.call("HSET", job, "kind", kind) end
  if waits > 0 then
    redis.call("HSET", job, "waits", waits)
    if delay > 0 then redis.call("HSET", job, "delay", delay) end
  elseif delay > 0 then
    redis.call("ZADD", queue .. ":delayed", now + delay, id)
  else
    redis.call("ZADD", queue .. ":ready:" .. tenant, place, id)
    if first then enter_ring(queue, tenant) end
    return true
  end
  return false
end
