-- Adds parts to what a message is answered, each once, if it is still the writer's.
-- KEYS message    the message
-- KEYS log        its answer so far
-- ARGV fence      the writer's fence
-- ARGV from       how many parts of this attempt came before these, >= 0
-- ARGV parts...   texts
-- REPLY the message's state; "lost" or "gap:" and how many parts are there: then nothing was added
-- SHAPE text
-- IDEMPOTENT parts that are there already are passed over
local message = KEYS[1]
local log = KEYS[2]
local fence = ARGV[1]
local from = tonumber(ARGV[2])
-- INCLUDE relay/add_parts
local stored = redis.call("HMGET", message, "fence", "state", "log")
if stored[1] ~= fence or stored[2] ~= "delivered" then return "lost" end
local mark, there = add_parts(log, fence, from, stored[3] or "", 3)
if not mark then return "gap:" .. there end
redis.call("HSET", message, "log", mark)
return stored[2]
