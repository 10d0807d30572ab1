-- Deliveries of webhooks. An endpoint is a tenant's; what is due to it stands in its line by when it is to be sent, and the outbox says
-- which endpoints have something due. Only ids are kept here: what was asked and answered never is.
local DELIVERY_LIFE_MS = 604800000
local DELIVERIES_MAX = 1000
local LINE_MAX = 100000

-- Puts one delivery into its endpoint's line. Tells whether there was room.
local function put_delivery(queue, tenant, endpoint, event, id, now)
  local line = queue .. ":line:" .. endpoint
  local count = redis.call("INCR", queue .. ":posted")
  if redis.call("ZCARD", line) >= LINE_MAX then
    redis.call("HINCRBY", queue .. ":circuit:" .. endpoint, "dropped", 1)
    return false
  end
  local message = "evt_" .. id .. "_" .. string.format("%.0f", count)
  local delivery = queue .. ":delivery:" .. endpoint .. ":" .. message
  redis.call("HSET", delivery, "event", event, "job", id, "made", now, "attempts", 0, "state", "pending")
  redis.call("PEXPIRE", delivery, DELIVERY_LIFE_MS)
  -- In the order of coming, also within a millisecond.
  redis.call("ZADD", line, string.format("%.3f", now + (count % 1000) / 1000), message)
  local log = queue .. ":deliveries:" .. endpoint
  redis.call("ZADD", log, count, message)
  redis.call("ZREMRANGEBYRANK", log, 0, -DELIVERIES_MAX - 1)
  redis.call("PEXPIRE", log, DELIVERY_LIFE_MS)
  redis.call("ZADD", queue .. ":outbox", "LT", now, tenant .. "/" .. endpoint)
  redis.call("PUBLISH", queue .. ":posted", "1")
  return true
end

local hooks_of = {}

-- Tells a tenant's endpoints how a job ended: kind.completed, kind.failed, kind.cancelled, or with a word of the job's own.
local function announce(queue, tenant, id, kind, state, reason, now)
  local hooks = hooks_of[tenant] or redis.call("HGETALL", queue .. ":hooks:" .. tenant)
  hooks_of[tenant] = hooks
  if #hooks == 0 or kind == "none" then return end
  local outcome = state == "dead" and "failed" or state
  if state == "done" then outcome = reason == "" and "completed" or reason end
  local event = kind .. "." .. outcome
  for at = 1, #hooks, 2 do
    if hooks[at + 1] == "*" or string.find(hooks[at + 1], "," .. event .. ",", 1, true) then
      put_delivery(queue, tenant, hooks[at], event, id, now)
    end
  end
end
