-- Pushes the job of a schedule once for its time, and sets the next time.
-- KEYS queue      start of the queue's keys
-- ARGV name       the tenant, a slash, the schedule's name
-- ARGV due_ms     the time that it is pushed for
-- ARGV next_ms    the next one; 0: there is none
-- ARGV tenant     whose job it is
-- ARGV words      of the job, as one that is pushed has them
-- ARGV payload    what it is asked
-- REPLY 1 when it was pushed, 0 when another worker was first or the schedule changed
local queue = KEYS[1]
local name = ARGV[1]
local due_ms = tonumber(ARGV[2])
local next_ms = tonumber(ARGV[3])
local tenant = ARGV[4]
local words = ARGV[5]
local payload = ARGV[6]
-- INCLUDE jobs
-- INCLUDE puts
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = redis.call("ZSCORE", queue .. ":due", name)
if not due or tonumber(due) ~= due_ms then return 0 end
if next_ms > 0 then
  redis.call("ZADD", queue .. ":due", next_ms, name)
else
  redis.call("ZREM", queue .. ":due", name)
  redis.call("HDEL", queue .. ":schedules", name)
end
put_job(queue, tenant, { string.match(words, NEW) }, payload, 0, now, redis.call("INCR", queue .. ":seq"))
note_puts(queue, tenant, true)
wake(queue)
return 1
