-- Schedules whose time has come.
-- KEYS queue    start of the queue's keys
-- ARGV offset   how many are passed over, >= 0
-- ARGV limit    how many at most, >= 0
-- REPLY { now_ms, then for each: name, when it was due (ms), record }
-- SHAPE [integer, (text, text, text)...]
-- IDEMPOTENT it only reads
local queue = KEYS[1]
local offset = tonumber(ARGV[1])
local limit = tonumber(ARGV[2])
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = redis.call("ZRANGEBYSCORE", queue .. ":due", "-inf", now, "WITHSCORES", "LIMIT", offset, limit)
local reply = { now }
for at = 1, #due, 2 do
  reply[#reply + 1] = due[at]
  reply[#reply + 1] = due[at + 1]
  reply[#reply + 1] = redis.call("HGET", queue .. ":schedules", due[at]) or ""
end
return reply
