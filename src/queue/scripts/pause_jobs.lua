-- Pauses or resumes a queue or one of its tenants: jobs that run go on, none is given out while paused.
-- KEYS queue    start of the queue's keys
-- ARGV tenant   whose jobs; "" for the whole queue
-- ARGV paused   1 to pause, 0 to resume
-- REPLY 1 when that changed something, 0 when it was so before
-- SHAPE 0 | 1
-- IDEMPOTENT what is paused stays so
local queue = KEYS[1]
local tenant = ARGV[1]
local paused = tonumber(ARGV[2])
-- INCLUDE jobs
-- INCLUDE memory
-- Works also while memory is full.
is_full(queue)
local changed
if tenant == "" then
  if paused == 1 then changed = redis.call("SETNX", queue .. ":halted", "1") else changed = redis.call("DEL", queue .. ":halted") end
elseif paused == 1 then
  changed = redis.call("SADD", queue .. ":paused", tenant)
  redis.call("ZREM", queue .. ":ring", tenant)
else
  changed = redis.call("SREM", queue .. ":paused", tenant)
  if redis.call("EXISTS", queue .. ":ready:" .. tenant) == 1 then enter_ring(queue, tenant) end
end
-- A worker that waits for a job is handed none while paused; once resumed it asks again.
if paused == 1 then redis.call("DEL", queue .. ":idle") else redis.call("PUBLISH", queue .. ":wake", "1") end
return changed
