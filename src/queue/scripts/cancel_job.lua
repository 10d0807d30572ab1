-- Cancels a job: one that waits at once, one that runs with its worker's next word.
-- KEYS queue    start of the queue's keys
-- ARGV id       the job
-- ARGV tenant   whose it is
-- REPLY its state now; "" when the tenant has none of this id
-- IDEMPOTENT what is cancelled stays so
local queue = KEYS[1]
local id = ARGV[1]
local tenant = ARGV[2]
-- INCLUDE jobs
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local job = queue .. ":job:" .. id
local stored = redis.call("HMGET", job, "tenant", "state", "life", "log")
if stored[1] ~= tenant then return "" end
local state = stored[2]
if state == "waiting" or state == "delayed" then
  redis.call("ZREM", queue .. ":ready:" .. tenant, id)
  redis.call("ZREM", queue .. ":delayed", id)
  state = "cancelled"
  finish(queue, id, state, "", "cancelled", now, tonumber(stored[3]), stored[4])
  redis.call("HINCRBY", queue .. ":counts", state, 1)
elseif state == "running" then
  state = "cancelling"
  redis.call("HSET", job, "state", state)
  redis.call("PUBLISH", queue .. ":cancel", id)
end
return state
