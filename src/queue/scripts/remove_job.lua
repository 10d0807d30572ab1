-- Takes a job away with all that is kept of it; one that runs is cancelled, and gone once its worker has heard.
-- KEYS queue    start of the queue's keys
-- ARGV id       the job
-- ARGV tenant   whose it is
-- REPLY 1 when it is or will be gone, 2 when further jobs that waited for it are to be ended, 0 when the tenant has none of this id
-- SHAPE 0 | 1 | 2
-- IDEMPOTENT what is gone stays so
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
if not job then return 0 end
-- Whose a job is that cannot be read stands in its tenant's line, if it waits.
local unreadable = job[STATE] == UNREADABLE and (redis.call("ZREM", queue .. ":ready:" .. tenant, id) == 1 or select(2, string.match(job.line, OWNER)) == tenant)
if job[TENANT] ~= tenant and not unreadable then return 0 end
if job[STATE] == "running" or job[STATE] == "cancelling" then
  job[STATE], job[LIFE], job[BRIEF] = "cancelling", 1, 1
  write_job(queue, id, job)
  redis.call("PUBLISH", queue .. ":cancel", id)
  return 1
end
cancel_unheld(queue, id, job, now)
redis.call("ZREM", queue .. ":dead", id)
redis.call("ZREM", queue .. ":dead:" .. tenant, id)
redis.call("DEL", queue .. ":job:" .. id, queue .. ":body:" .. id, queue .. ":log:" .. id, queue .. ":tries:" .. id, queue .. ":after:" .. id, queue .. ":notes:" .. id, queue .. ":progress:" .. id)
return 1 + redis.call("EXISTS", queue .. ":over")
