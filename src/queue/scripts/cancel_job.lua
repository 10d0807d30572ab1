-- Cancels a job: one that waits at once, one that runs with its worker's next word.
-- KEYS queue    start of the queue's keys
-- ARGV id       the job
-- ARGV tenant   whose it is
-- REPLY its state now; "" when the tenant has none of this id; "cancelled more" when further jobs that waited for it are to be ended
-- SHAPE text
-- IDEMPOTENT what is cancelled stays so
local queue = KEYS[1]
local id = ARGV[1]
local tenant = ARGV[2]
-- INCLUDE jobs
-- INCLUDE cancels
-- INCLUDE memory
-- Works also while memory is full: it frees some.
is_full(queue)
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local job = read_jobs(queue, { id })[id]
if not job or job[TENANT] ~= tenant then return "" end
if cancel_unheld(queue, id, job, now) then return redis.call("EXISTS", queue .. ":over") == 1 and "cancelled more" or "cancelled" end
if job[STATE] ~= "running" then return job[STATE] end
job[STATE] = "cancelling"
write_job(queue, id, job)
redis.call("PUBLISH", queue .. ":cancel", id)
return "cancelling"
