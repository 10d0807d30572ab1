-- Pushes the jobs of schedules that are due, each once for its time, and sets their next times.
-- KEYS queue      start of the queue's keys
-- ARGV due...     for each schedule: its name (the tenant, a slash, the schedule's), the time that it is pushed for, the next time (0: there is none), the tenant, the job's words as a push has them, the payload
-- REPLY how many were pushed; the others were pushed by another worker, or changed, or memory is full
-- SHAPE integer
local queue = KEYS[1]
local FIELDS = 6
-- INCLUDE jobs
-- INCLUDE puts
-- INCLUDE memory
if is_full(queue) then return 0 end
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local pushed = 0
for at = 1, #ARGV, FIELDS do
  local name, due_ms, next_ms, tenant, words, payload = unpack(ARGV, at, at + FIELDS - 1)
  local due = redis.call("ZSCORE", queue .. ":due", name)
  if due and tonumber(due) == tonumber(due_ms) then
    if next_ms ~= "0" then
      redis.call("ZADD", queue .. ":due", next_ms, name)
    else
      redis.call("ZREM", queue .. ":due", name)
      redis.call("HDEL", queue .. ":schedules", name)
      redis.call("HDEL", queue .. ":times", name)
      redis.call("ZREM", queue .. ":schedules:order", name)
    end
    put_job(queue, tenant, { string.match(words, NEW) }, payload, 0, now, next_seq(queue, now, 1) + 1)
    note_puts(queue, tenant, true)
    pushed = pushed + 1
  end
end
if pushed > 0 then wake(queue) end
return pushed
