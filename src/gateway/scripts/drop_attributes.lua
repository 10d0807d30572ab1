-- Forgets a set of attributes whose entries were taken away, unless one was stored meanwhile; with its last set a cache counts as none.
-- KEYS names        zset: caches of the realm -> when their last entry ends (ms)
-- KEYS ends         zset: sets of attributes of the cache -> when their last entry ends (ms)
-- KEYS sets         hash: set -> how often it was noted, ":", its attributes as JSON
-- KEYS bearers      prefix of zsets as `ends`, one for each attribute with its value; prefix .. digest is used, in the same slot
-- ARGV name         of the cache
-- ARGV set          digest of the attributes
-- ARGV text         what `sets` had of it before its entries were taken away
-- ARGV digests...   of each attribute with its value
-- REPLY 1 forgotten; 0: it was noted since
-- SHAPE 0 | 1
-- IDEMPOTENT        what is forgotten stays forgotten; the reply of a second run is 0
local names = KEYS[1]
local ends = KEYS[2]
local sets = KEYS[3]
local bearers = KEYS[4]
local name = ARGV[1]
local set = ARGV[2]
local text = ARGV[3]
local first = 4
if redis.call("HGET", sets, set) ~= text then return 0 end
redis.call("HDEL", sets, set)
redis.call("ZREM", ends, set)
for i = first, #ARGV do redis.call("ZREM", bearers .. ARGV[i], set) end
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call("ZCOUNT", ends, now, "+inf") == 0 then redis.call("ZREM", names, name) end
return 1
