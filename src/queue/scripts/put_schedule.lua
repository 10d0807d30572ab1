-- Puts a schedule in the place of what had its name, or takes it away.
-- KEYS queue     start of the queue's keys
-- ARGV name      the tenant, a slash, the schedule's name
-- ARGV record    what it does; "" to take it away
-- ARGV next_ms   when it does it first, ms since 1970
-- REPLY whether there was one
-- IDEMPOTENT the same schedule is put again
local queue = KEYS[1]
local name = ARGV[1]
local record = ARGV[2]
local next_ms = tonumber(ARGV[3])
local there = redis.call("HEXISTS", queue .. ":schedules", name)
if record == "" then
  redis.call("HDEL", queue .. ":schedules", name)
  redis.call("ZREM", queue .. ":due", name)
else
  redis.call("HSET", queue .. ":schedules", name, record)
  redis.call("ZADD", queue .. ":due", next_ms, name)
end
return there
