-- Lets a job that waits for its time go now.
-- KEYS queue    start of the queue's keys
-- ARGV id       the job
-- ARGV tenant   whose it is
-- REPLY its state before; "" when the tenant has none of this id
-- SHAPE text
-- IDEMPOTENT what goes already goes on
local queue = KEYS[1]
local id = ARGV[1]
local tenant = ARGV[2]
-- INCLUDE jobs
local job = read_jobs(queue, { id })[id]
if not job or job[TENANT] ~= tenant then return "" end
local state = job[STATE]
local due = state == "delayed" and redis.call("ZSCORE", queue .. ":delayed", id)
if due then
  redis.call("ZREM", queue .. ":delayed", id)
  local time = redis.call("TIME")
  local early = due - (time[1] * 1000 + math.floor(time[2] / 1000))
  -- How long it waits for a worker counts from when it is due, which is now.
  if job[UNTIL] ~= "" and early > 0 then job[UNTIL] = string.format("%d", job[UNTIL] - early) end
  make_ready(queue, id, job)
end
return state
