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

-- The worker that waits for a job, if this one may be handed to it: nobody else's waits, and it listens at this node. Answers its name and lease.
local function find_waiter(queue)
  local worker, lease_ms = string.match(redis.call("GET", queue .. ":idle") or "", "^(%S+) (%d+)$")
  if not worker or redis.call("EXISTS", queue .. ":ring") == 1 then return nil end
  if redis.call("PUBSUB", "NUMSUB", queue .. ":hand:" .. worker)[2] == 0 then return nil end
  return worker, tonumber(lease_ms)
end

-- Hands a job that was just put to a waiting worker, as if it had asked for it.
local function hand_over(queue, tenant, id, payload, attempts, crashes, time, worker, lease_ms)
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local fence = math.max(tonumber(redis.call("GET", queue .. ":fence") or 0), time[1] * 1000000 + time[2]) + 1
  fence = string.format("%.0f", fence)
  redis.call("SET", queue .. ":fence", fence)
  redis.call("HSET", queue .. ":job:" .. id, "state", "running", "fence", fence)
  redis.call("ZADD", queue .. ":leases", now + lease_ms, id)
  redis.call("DEL", queue .. ":idle")
  -- What is packed or large is fetched.
  local plain = #payload < 4096 and string.sub(payload, 1, 2) == "\1\0"
  local told = { id, fence, tenant, attempts, crashes, string.format("%.0f", now), attempts, plain and string.sub(payload, 3) or "" }
  redis.call("PUBLISH", queue .. ":hand:" .. worker, table.concat(told, " "))
end

-- Puts a new job, and answers whether it waits already. brief "": its output lives as long as its result; handed: it is a worker's already; kind "": job; wait "": it waits as long as it takes.
local function put_job(queue, tenant, id, payload, priority, delay, attempts, crashes, life, brief, kind, after, wait, now, seq, first, handed)
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
  elseif not handed then
    redis.call("ZADD", queue .. ":ready:" .. tenant, place, id)
    if first then enter_ring(queue, tenant) end
    return true
  end
  return false
end
