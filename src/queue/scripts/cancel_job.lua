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
-- INCLUDE cancels
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stored = read_job(queue, id)
if stored[TENANT] ~= tenant then return "" end
if cancel_unheld(queue, id, stored, now) then return "cancelled" end
if stored[STATE] ~= "running" then return stored[STATE] end
redis.call("HSET", queue .. ":job:" .. id, "state", "cancelling")
redis.call("PUBLISH", queue .. ":cancel", id)
return "cancelling"
