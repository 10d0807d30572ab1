-- Says that a worker's jobs live, tells it which it should stop, and gives jobs back whose worker is gone.
-- KEYS queue      start of the queue's keys
-- ARGV lease_ms   how long they live from now, > 0
-- ARGV held...    for each job: id, fence
-- REPLY for each job "running", "cancelling" or "lost"
local queue = KEYS[1]
local lease_ms = tonumber(ARGV[1])
-- INCLUDE jobs
-- INCLUDE ends
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local leases = queue .. ":leases"
local states = {}
for at = 2, #ARGV, 2 do
  local stored = redis.call("HMGET", queue .. ":job:" .. ARGV[at], "fence", "state")
  local state = "lost"
  if stored[1] == ARGV[at + 1] and (stored[2] == "running" or stored[2] == "cancelling") then
    state = stored[2]
    redis.call("ZADD", leases, "XX", now + lease_ms, ARGV[at])
  end
  states[#states + 1] = state
end
local over = redis.call("ZRANGEBYSCORE", leases, "-inf", now, "LIMIT", 0, LATER_MAX)
local found = false
for _, id in ipairs(over) do
  redis.call("ZREM", leases, id)
  local job = queue .. ":job:" .. id
  local stored = read_job(queue, id)
  local tenant = stored[TENANT]
  if tenant then
    if stored[STATE] == "cancelling" then
      finish(queue, id, stored, "cancelled", "", "cancelled", now)
    elseif tonumber(stored[LIVES]) > 1 then
      redis.call("HINCRBY", job, "lives", -1)
      redis.call("HSET", job, "reason", "crashed")
      make_ready(queue, id, tenant, stored[PLACE])
      found = true
    else
      finish(queue, id, stored, "dead", "", "crashed", now)
    end
    leave_running(queue, tenant, id)
  end
end
note_ends(queue)
if found then wake(queue) end
return states
