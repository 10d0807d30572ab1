-- Notes that an installation has a search index, if it may have one more.
-- KEYS indexes      set of the names of its indexes
-- ARGV name         the index
-- ARGV most         indexes that it may have, > 0
-- REPLY 1 noted, or was there already; 0 there are as many as it may have
-- SHAPE 0 | 1
-- IDEMPOTENT        what is noted stays noted
local indexes = KEYS[1]
local name = ARGV[1]
local most = tonumber(ARGV[2])
if redis.call("SISMEMBER", indexes, name) == 1 then return 1 end
if redis.call("SCARD", indexes) >= most then return 0 end
redis.call("SADD", indexes, name)
return 1
