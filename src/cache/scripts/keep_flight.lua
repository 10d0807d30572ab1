-- Renews the lease of the process that asks for an answer.
-- KEYS lease        string: token of the process that asks
-- ARGV token        of this process
-- ARGV lease_ms     how long it may say nothing, > 0
-- REPLY 1 renewed, 0 another process has it, or none
-- IDEMPOTENT        it renews from now
local lease = KEYS[1]
local token = ARGV[1]
local lease_ms = ARGV[2]
if redis.call("GET", lease) ~= token then return 0 end
return redis.call("PEXPIRE", lease, lease_ms)
