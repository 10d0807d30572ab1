-- Reads what the leading process has handed on, and says that somebody follows.
-- KEYS lease        string: token of the process that leads
-- KEYS waiting      string: somebody follows in another process
-- KEYS handed       list: what was handed on so far
-- ARGV token        of the process that is followed
-- ARGV from         place of the first part wanted, >= 0
-- ARGV count        how many at most, > 0
-- ARGV wait_ms      how long a follower may say nothing, > 0
-- REPLY { 1 it still leads | 0, part, ... }
-- SHAPE [0 | 1, (text)...]
-- IDEMPOTENT        it reads, and says again that somebody follows
local lease = KEYS[1]
local waiting = KEYS[2]
local handed = KEYS[3]
local token = ARGV[1]
local from = tonumber(ARGV[2])
local count = tonumber(ARGV[3])
local wait_ms = ARGV[4]
local leads = redis.call("GET", lease) == token and 1 or 0
if leads == 1 then redis.call("SET", waiting, 1, "PX", wait_ms) end
return { leads, unpack(redis.call("LRANGE", handed, from, from + count - 1)) }
