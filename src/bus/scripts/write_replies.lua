-- Adds parts to the answer of a message, each once, if the message is still the agent's.
-- KEYS bus        start of the keys of the scope's agents
-- ARGV id         the message
-- ARGV fence      that it was given with
-- ARGV from       how many parts of this delivery came before these
-- ARGV parts...   texts
-- REPLY "running"; "lost" or "gap:" and how many parts are there: then nothing was added
-- IDEMPOTENT parts that are there already are passed over
local bus = KEYS[1]
local id = ARGV[1]
local fence = ARGV[2]
local from = tonumber(ARGV[3])
local key = bus .. ":message:" .. id
local stored = redis.call("HMGET", key, "fence", "state", "log")
if stored[1] ~= fence or stored[2] ~= "delivered" then return "lost" end
local epoch, count = string.match(stored[3] or "", "^(%d+):(%d+)$")
local written = epoch == fence and tonumber(count) or 0
if written < from then return "gap:" .. written end
for at = 4 + written - from, #ARGV do
  redis.call("XADD", bus .. ":stream:" .. id, fence .. "-" .. (from + at - 3), "p", ARGV[at])
end
redis.call("HSET", key, "log", fence .. ":" .. math.max(written, from + #ARGV - 3))
return "running"
