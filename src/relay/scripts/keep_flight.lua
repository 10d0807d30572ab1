-- Renews the lease of the process that leads, and hands on what it has so far when somebody follows.
-- KEYS lease        string: token of the process that leads
-- KEYS waiting      string: somebody follows in another process
-- KEYS handed       list: what was handed on so far
-- ARGV token        of this process
-- ARGV lease_ms     how long it may say nothing, > 0
-- ARGV life_ms      how long parts wait for those who follow, > 0
-- ARGV from         place of the first part here, >= 0
-- ARGV parts...     the next parts; none: it only renews
-- REPLY 0 another process leads, or none; 1 nobody follows; 2 somebody does
-- SHAPE 0 | 1 | 2
-- IDEMPOTENT        it renews from now, and parts that are there are not added again
local lease = KEYS[1]
local waiting = KEYS[2]
local handed = KEYS[3]
local token = ARGV[1]
local lease_ms = ARGV[2]
local life_ms = ARGV[3]
local from = tonumber(ARGV[4])
if redis.call("GET", lease) ~= token then return 0 end
redis.call("PEXPIRE", lease, lease_ms)
-- INCLUDE hand_on
return 1 + redis.call("EXISTS", waiting)
