-- Moves a migration from one phase to the next, if it is where it should be.
-- KEYS state        hash: phase, cursor, copied, verified, since
-- ARGV from         phase that it must be in; an absent one is "copying"
-- ARGV to           phase that it goes to
-- ARGV verified     1: only when it was verified
-- ARGV rest_ms      only when it has been in its phase for this long, >= 0
-- REPLY 1 moved, or was there already; 0 it is in another phase, not verified, or too fresh
-- SHAPE 0 | 1
-- IDEMPOTENT        a phase that is reached stays reached
local state = KEYS[1]
local from = ARGV[1]
local to = ARGV[2]
local verified = ARGV[3]
local rest_ms = tonumber(ARGV[4])
local phase = redis.call("HGET", state, "phase") or "copying"
if phase == to then return 1 end
if phase ~= from then return 0 end
if verified == "1" and redis.call("HGET", state, "verified") ~= "1" then return 0 end
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local since = tonumber(redis.call("HGET", state, "since") or "0")
if now - since < rest_ms then return 0 end
redis.call("HSET", state, "phase", to, "since", string.format("%.0f", now), "verified", "0")
return 1
