-- A queue's keys begin with its own name, which bears the hash tag: jobs and tenants are known only once they are met, and lie in its slot.
-- States of a job: waiting, delayed, running, cancelling, done, dead, cancelled. What was asked (":in:") and what came of it (":out:") are
-- strings of their own, so that the job itself stays small.
local LATER_MAX = 100
local DEAD_LIFE_MS = 604800000

-- Lets a tenant that has work take its turn among the others, no later than the one whose turn it is.
local function enter_ring(queue, tenant)
  local first = redis.call("ZRANGE", queue .. ":ring", 0, 0, "WITHSCORES")
  redis.call("ZADD", queue .. ":ring", "NX", first[2] or 0, tenant)
end

-- Puts a job where the next turn of its tenant finds it.
local function make_ready(queue, id, tenant, place)
  redis.call("HSET", queue .. ":job:" .. id, "state", "waiting")
  if redis.call("ZADD", queue .. ":ready:" .. tenant, place, id) == 1 then enter_ring(queue, tenant) end
end

-- Tells waiting workers that there is something to do.
local function wake(queue)
  if redis.call("DEL", queue .. ":idle") == 1 then redis.call("PUBLISH", queue .. ":wake", "1") end
end

-- Takes a job off what its tenant has running, which may let the tenant take turns again.
local function leave_running(queue, tenant, id)
  redis.call("SREM", queue .. ":running:" .. tenant, id)
  if redis.call("EXISTS", queue .. ":ready:" .. tenant) == 1 then enter_ring(queue, tenant) end
end

-- Ends a job for good. Its result and the end of its output stay for a life.
local function finish(queue, id, state, body, reason, now, life, logged)
  local job = queue .. ":job:" .. id
  if state == "dead" then
    -- What died keeps what it was asked, to be given another go.
    life = math.max(life, DEAD_LIFE_MS)
    redis.call("ZADD", queue .. ":dead", now, id)
    redis.call("ZREMRANGEBYSCORE", queue .. ":dead", "-inf", now - life)
    redis.call("PEXPIRE", queue .. ":in:" .. id, life)
  else
    redis.call("DEL", queue .. ":in:" .. id)
  end
  redis.call("HSET", job, "state", state, "ended", now, "reason", reason)
  redis.call("PEXPIRE", job, life)
  if body ~= "" then redis.call("SET", queue .. ":out:" .. id, body, "PX", life) end
  if logged then redis.call("PEXPIRE", queue .. ":log:" .. id, life) end
end

-- Puts a new job, and answers whether it waits already.
local function put_job(queue, tenant, id, payload, priority, delay, attempts, crashes, life, now, seq, first)
  -- Dearer ones first, then in the order of coming.
  local place = (100 - priority) * 1099511627776 + seq
  local state = delay > 0 and "delayed" or "waiting"
  redis.call("HSET", queue .. ":job:" .. id, "tenant", tenant, "state", state, "place", place,
    "left", attempts, "of", attempts, "lives", crashes, "life", life, "made", now)
  redis.call("SET", queue .. ":in:" .. id, payload)
  if delay > 0 then
    redis.call("ZADD", queue .. ":delayed", now + delay, id)
    return false
  end
  redis.call("ZADD", queue .. ":ready:" .. tenant, place, id)
  if first then enter_ring(queue, tenant) end
  return true
end
