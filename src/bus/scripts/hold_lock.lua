-- Takes, holds on to or gives back a lock; whoever has it has a fence that is higher than all before.
-- KEYS lock      the lock
-- ARGV holder    who
-- ARGV act       take, extend or release
-- ARGV ttl_ms    how long it is held from now, > 0
-- REPLY { 1 or 0, fence, ms until it is free }
-- SHAPE [0 | 1, text, integer]
local lock = KEYS[1]
local holder = ARGV[1]
local act = ARGV[2]
local ttl_ms = tonumber(ARGV[3])
-- INCLUDE relay/fence
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stored = redis.call("HMGET", lock, "holder", "until", "fence")
local held = stored[2] and tonumber(stored[2]) > now
local own = held and stored[1] == holder
local fence = stored[3] or "0"
-- The fence outlives the hold, so that the next one is higher.
local KEEP_MS = 86400000
if act == "release" then
  if own then
    redis.call("HSET", lock, "until", 0)
    redis.call("PUBLISH", lock .. ":free", "1")
  end
  return { own and 1 or 0, fence, 0 }
end
if act == "extend" then
  if own then
    redis.call("HSET", lock, "until", now + ttl_ms)
    redis.call("PEXPIRE", lock, ttl_ms + KEEP_MS)
  end
  return { own and 1 or 0, fence, own and ttl_ms or 0 }
end
if held and not own then return { 0, fence, math.ceil(tonumber(stored[2]) - now) } end
if not own then fence = later_fence(fence, time) end
redis.call("HSET", lock, "holder", holder, "until", now + ttl_ms, "fence", fence)
redis.call("PEXPIRE", lock, ttl_ms + KEEP_MS)
return { 1, fence, ttl_ms }
