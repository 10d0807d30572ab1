-- Leaves an upstream's model alone for a time, for every gateway; what lasts longer already is kept.
-- KEYS benched      zset: upstream and model -> when its time ends (ms)
-- ARGV target       upstream and model
-- ARGV for_ms       how long, > 0
-- ARGV kept_ms      how long it is remembered after its time that nobody has seen it well, > 0
-- REPLY 1
-- SHAPE 1
local benched = KEYS[1]
local target = ARGV[1]
local for_ms = tonumber(ARGV[2])
local kept_ms = tonumber(ARGV[3])
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call("ZREMRANGEBYSCORE", benched, "-inf", now - kept_ms)
redis.call("ZADD", benched, "GT", now + for_ms, target)
redis.call("PEXPIRE", benched, for_ms + kept_ms, "NX")
redis.call("PEXPIRE", benched, for_ms + kept_ms, "GT")
return 1
