-- Changes the record of an API key that is there; one that was ended meanwhile stays ended.
-- KEYS keys         hash: SHA-256 of a key -> record
-- ARGV digest       SHA-256 of the key
-- ARGV before       the record as it was read
-- ARGV record       the new record
-- REPLY 1 changed, 0 it is something else by now, or gone
-- SHAPE 0 | 1
local keys = KEYS[1]
local digest = ARGV[1]
local before = ARGV[2]
local record = ARGV[3]
if redis.call("HGET", keys, digest) ~= before then return 0 end
redis.call("HSET", keys, digest, record)
return 1
