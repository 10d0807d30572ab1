-- Lets a job that waits for its time go now.
-- KEYS queue    start of the queue's keys
-- ARGV id       the job
-- ARGV tenant   whose it is
-- REPLY its state before; "" when the tenant has none of this id
-- IDEMPOTENT what goes already goes on
local queue = KEYS[1]
local id = ARGV[1]
local tenant = ARGV[2]
-- INCLUDE jobs
local job = read_jobs(queue, { id })[id]
if not job or job[TENANT] ~= tenant then return "" end
local state = job[STATE]
if state == "delayed" and redis.call("ZREM", queue .. ":delayed", id) == 1 then make_ready(queue, id, job) end
return state
