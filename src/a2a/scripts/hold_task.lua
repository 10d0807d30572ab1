-- Takes a task for a process, says that it still has it, or leaves it.
-- KEYS start       start of the keys of this agent
-- ARGV task        owner/task
-- ARGV holder      the process
-- ARGV lease_ms    how long it has it from now, > 0; 0: it leaves it
-- REPLY 1, or 0 when another process has it
-- SHAPE 0 | 1
local start = KEYS[1]
local task = ARGV[1]
local holder = ARGV[2]
local lease_ms = tonumber(ARGV[3])
local key = start .. ":holder:" .. task
local held = redis.call("GET", key)
if held and held ~= holder then return 0 end
if lease_ms == 0 then redis.call("DEL", key) else redis.call("SET", key, holder, "PX", lease_ms) end
return 1
