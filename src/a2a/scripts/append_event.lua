-- Adds an event to a task's, if the process that made it has the task.
-- KEYS start      start of the keys of this agent
-- ARGV task       owner/task
-- ARGV holder     the process
-- ARGV event      JSON
-- ARGV life_ms    how long events are kept, > 0
-- REPLY the event's number, or 0 when another process has the task
-- SHAPE integer
local start = KEYS[1]
local task = ARGV[1]
local holder = ARGV[2]
local event = ARGV[3]
local life_ms = tonumber(ARGV[4])
local EVENTS_MAX = 10000
local held = redis.call("GET", start .. ":holder:" .. task)
if held and held ~= holder then return 0 end
local events = start .. ":events:" .. task
local last = redis.call("XREVRANGE", events, "+", "-", "COUNT", 1)[1]
local number = last and tonumber(string.match(last[1], "^%d+")) + 1 or 1
redis.call("XADD", events, "MAXLEN", "~", EVENTS_MAX, number .. "-1", "e", event)
redis.call("PEXPIRE", events, life_ms)
return number
