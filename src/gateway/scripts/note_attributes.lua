-- Notes that a cache got an entry with a set of attributes, so that it is found by any part of the set; a realm has a bounded number of caches.
-- KEYS names        zset: caches of the realm -> when their last entry ends (ms)
-- KEYS ends         zset: sets of attributes of the cache -> when their last entry ends (ms)
-- KEYS sets         hash: set -> how often it was noted, ":", its attributes as JSON
-- KEYS bearers      prefix of zsets as `ends`, one for each attribute with its value; prefix .. digest is used, in the same slot
-- ARGV name         of the cache
-- ARGV names_max    caches of the realm at most, > 0
-- ARGV set          digest of the attributes
-- ARGV json         the attributes
-- ARGV life_ms      of the entry, > 0
-- ARGV digests...   of each attribute with its value
-- REPLY { "noted", 0 }; or { "full", how many caches the realm has }: too many for another one
-- SHAPE ["noted" | "full", integer]
-- IDEMPOTENT        the set is noted once more, which keeps it from being dropped meanwhile
local names = KEYS[1]
local ends = KEYS[2]
local sets = KEYS[3]
local bearers = KEYS[4]
local name = ARGV[1]
local names_max = tonumber(ARGV[2])
local set = ARGV[3]
local json = ARGV[4]
local life_ms = tonumber(ARGV[5])
local first = 6
local SWEEP = 20
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function keep(key, member)
  redis.call("ZADD", key, "GT", now + life_ms, member)
  if redis.call("PTTL", key) < life_ms then redis.call("PEXPIRE", key, life_ms) end
end
redis.call("ZREMRANGEBYSCORE", names, "-inf", now)
if not redis.call("ZSCORE", names, name) then
  local count = redis.call("ZCARD", names)
  if count >= names_max then return { "full", count } end
end
for _, old in ipairs(redis.call("ZRANGEBYSCORE", ends, "-inf", now, "LIMIT", 0, SWEEP)) do
  redis.call("HDEL", sets, old)
  redis.call("ZREM", ends, old)
end
keep(names, name)
keep(ends, set)
local noted = tonumber(string.match(redis.call("HGET", sets, set) or "", "^(%d+):") or 0)
redis.call("HSET", sets, set, string.format("%d:", noted + 1) .. json)
if redis.call("PTTL", sets) < life_ms then redis.call("PEXPIRE", sets, life_ms) end
for i = first, #ARGV do
  redis.call("ZREMRANGEBYSCORE", bearers .. ARGV[i], "-inf", now)
  keep(bearers .. ARGV[i], set)
end
return { "noted", 0 }
