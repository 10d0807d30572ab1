-- Declares a schedule, or takes it away. Declaring the same times again changes only what is pushed: the time that is due stays, overdue or not.
-- KEYS queue     start of the queue's keys
-- ARGV name      the tenant, a slash, the schedule's name
-- ARGV record    what it does; "" to take it away
-- ARGV times     when it does it, in one spelling
-- ARGV next_ms   when it does it first, ms since 1970
-- REPLY whether there was one
-- SHAPE 0 | 1
-- IDEMPOTENT the same schedule is put again
local queue = KEYS[1]
local name = ARGV[1]
local record = ARGV[2]
local times = ARGV[3]
local next_ms = tonumber(ARGV[4])
local there = redis.call("HEXISTS", queue .. ":schedules", name)
if record == "" then
  redis.call("HDEL", queue .. ":schedules", name)
  redis.call("HDEL", queue .. ":times", name)
  redis.call("ZREM", queue .. ":due", name)
  redis.call("ZREM", queue .. ":schedules:order", name)
  return there
end
local known = redis.call("HGET", queue .. ":times", name)
local due = tonumber(redis.call("ZSCORE", queue .. ":due", name) or nil)
redis.call("HSET", queue .. ":schedules", name, record)
redis.call("HSET", queue .. ":times", name, times)
redis.call("ZADD", queue .. ":schedules:order", 0, name)
if due and known == times then return there end
-- A schedule of 0.1 has no times beside it: what it was due at is kept unless the new times come earlier.
if due and not known then next_ms = math.min(due, next_ms) end
redis.call("ZADD", queue .. ":due", string.format("%d", next_ms), name)
return there
