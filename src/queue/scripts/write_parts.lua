-- Adds parts to the output of a job, each once, if it is still the worker's.
-- KEYS queue      start of the queue's keys
-- ARGV id         the job
-- ARGV fence      the worker's fence
-- ARGV from       how many parts of this attempt came before these
-- ARGV parts...   texts
-- REPLY "running", "cancelling"; "lost" or "gap:" and how many parts are there: then nothing was added
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
if written < from then return "gap:" .. written end
-- An entry is named after its attempt and place: it is the same one when it is written again.
for at = 4 + written - from, #ARGV do
  redis.call("XADD", queue .. ":log:" .. id, fence .. "-" .. (from + at - 3), "p", ARGV[at])
end
redis.call("HSET", job, "log", fence .. ":" .. math.max(written, from + #ARGV - 3))
return stored[2]
