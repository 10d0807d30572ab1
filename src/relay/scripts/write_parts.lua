-- Adds parts to an output, each once, if it is still the writer's.
-- KEYS record     what it is the output of: a hash with fence, state and log (fence:parts)
-- KEYS log        the output
-- ARGV fence      the writer's fence
-- ARGV from       how many parts of this attempt came before these
-- ARGV parts...   texts
-- REPLY the record's state; "lost" or "gap:" and how many parts are there: then nothing was added
-- IDEMPOTENT parts that are there already are passed over
local record = KEYS[1]
local log = KEYS[2]
local fence = ARGV[1]
local from = tonumber(ARGV[2])
local stored = redis.call("HMGET", record, "fence", "state", "log")
local state = stored[2]
if stored[1] ~= fence or (state ~= "running" and state ~= "cancelling" and state ~= "delivered") then return "lost" end
local epoch, count = string.match(stored[3] or "", "^(%d+):(%d+)$")
local written = epoch == fence and tonumber(count) or 0
if written < from then return "gap:" .. written end
-- An entry is named after its attempt and place: it is the same one when it is written again.
for at = 3 + written - from, #ARGV do
  redis.call("XADD", log, fence .. "-" .. (from + at - 2), "p", ARGV[at])
end
redis.call("HSET", record, "log", fence .. ":" .. math.max(written, from + #ARGV - 2))
return state
