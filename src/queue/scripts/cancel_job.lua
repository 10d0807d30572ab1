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
-- INCLUDE ends
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stored = read_job(queue, id)
if stored[TENANT] ~= tenant then return "" end
local state = stored[STATE]
if state == "blocked" or state == "waiting" or state == "delayed" then
  redis.call("ZREM", queue .. ":ready:" .. tenant, id)
  redis.call("ZREM", queue .. ":delayed", id)
  state = "cancelled"
  finish(queue, id, stored, state, "", "cancelled", now)
  note_ends(queue)
elseif state == "running" then
  state = "cancelling"
  redis.call("HSET", queue .. ":job:" .. id, "state", state)
  redis.call("PUBLISH", queue .. ":cancel", id)
end
return state
