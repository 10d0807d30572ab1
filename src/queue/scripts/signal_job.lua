-- Gives a job a signal, once for each name; a job that waits for it goes on.
-- KEYS queue    start of the queue's keys
-- ARGV id       the job
-- ARGV tenant   whose it is
-- ARGV name     the signal
-- ARGV value    record of what comes with it
-- ARGV most     how many notes a job may have, > 0
-- REPLY the job's state before; "" when the tenant has none of this id; "full" when it has no room for more signals; "late" when its time to wait for this one is over
-- SHAPE text
-- IDEMPOTENT a signal that came before stays as it was
local queue = KEYS[1]
local id = ARGV[1]
local tenant = ARGV[2]
local name = ARGV[3]
local value = ARGV[4]
local most = tonumber(ARGV[5])
-- INCLUDE jobs
-- INCLUDE notes
local job = read_jobs(queue, { id })[id]
if not job or job[TENANT] ~= tenant then return "" end
local state = job[STATE]
if state == "done" or state == "dead" or state == "cancelled" then return state end
local notes = queue .. ":notes:" .. id
if redis.call("HEXISTS", notes, "g:" .. name) == 1 then return state end
local until_ms = tonumber(redis.call("HGET", notes, "w:" .. name) or nil)
local time = redis.call("TIME")
-- The handler was told, or will be, that nothing came.
if until_ms and until_ms <= time[1] * 1000 + math.floor(time[2] / 1000) then return "late" end
if not put_note(queue, id, job, "g:" .. name, value, most) then return "full" end
if state == "suspended" and until_ms then
  redis.call("ZREM", queue .. ":delayed", id)
  make_ready(queue, id, job)
else
  write_job(queue, id, job)
end
return state
