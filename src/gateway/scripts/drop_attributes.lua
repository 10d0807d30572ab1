-- Forgets a set of attributes whose entries were taken away, unless one was stored meanwhile.
-- KEYS ends         zset: sets of attributes of the cache -> when their last entry ends (ms)
-- KEYS sets         hash: set -> how often it was noted, ":", its attributes as JSON
-- KEYS bearers      prefix of zsets as `ends`, one for each attribute with its value; prefix .. digest is used, in the same slot
-- ARGV set          digest of the attributes
-- ARGV text         what `sets` had of it before its entries were taken away
-- ARGV digests...   of each attribute with its value
-- REPLY 1 forgotten; 0: it was noted since
-- IDEMPOTENT        what is forgotten stays forgotten; the reply of a second run is 0
local ends = KEYS[1]
local sets = KEYS[2]
local bearers = KEYS[3]
local set = ARGV[1]
local text = ARGV[2]
local first = 3
if redis.call("HGET", sets, set) ~= text then return 0 end
redis.call("HDEL", sets, set)
redis.call("ZREM", ends, set)
for i = first, #ARGV do redis.call("ZREM", bearers .. ARGV[i], set) end
return 1
