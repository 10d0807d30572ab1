-- Adds parts to the output of a job, each once, if it is still the worker's.
-- KEYS queue      start of the queue's keys
-- ARGV id         the job
-- ARGV fence      the worker's fence
-- ARGV from       how many parts of this attempt came before these
-- ARGV parts...   texts
-- REPLY "running", "cancelling" or "lost": then nothing was added
-- IDEMPOTENT parts that are there already are passed over
local queue = KEYS[1]
local id = ARGV[1]
local fence = ARGV[2]
local from = tonumber(ARGV[3])
local job = queue .. ":job:" .. id
local stored = redis.call("HMGET", job, "fence", "state", "log")
if stored[1] ~= fence or (stored[2] ~= "running" and stored[2] ~= "cancelling") then return "lost" end
local epoch, count = string.match(stored[3] or "", "^(%d+):(%d+)$")
local written = epoch == fence and tonumber(count) or 0
for at = 4 + written - from, #ARGV do redis.call("XADD", queue .. ":log:" .. id, "*", "e", fence, "p", ARGV[at]) end
redis.call("HSET", job, "log", fence .. ":" .. math.max(written, from + #ARGV - 3))
return stored[2]
