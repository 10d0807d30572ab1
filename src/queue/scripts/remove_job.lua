-- Takes a job away with all that is kept of it; one that runs is cancelled, and gone once its worker has heard.
-- KEYS queue    start of the queue's keys
-- ARGV id       the job
-- ARGV tenant   whose it is
-- REPLY 1 when it is or will be gone, 0 when the tenant has none of this id
-- IDEMPOTENT what is gone stays so
local queue = KEYS[1]
local id = ARGV[1]
local tenant = ARGV[2]
-- INCLUDE jobs
-- INCLUDE cancels
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local job = queue .. ":job:" .. id
local stored = read_job(queue, id)
if stored[TENANT] ~= tenant then return 0 end
local state = stored[STATE]
if state == "running" or state == "cancelling" then
  redis.call("HSET", job, "state", "cancelling", "life", 1)
  redis.call("PUBLISH", queue .. ":cancel", id)
  return 1
end
cancel_unheld(queue, id, stored, now)
redis.call("ZREM", queue .. ":dead", id)
redis.call("DEL", job, queue .. ":in:" .. id, queue .. ":out:" .. id, queue .. ":log:" .. id)
return 1
