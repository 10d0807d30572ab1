-- Keeps the record of a new API key, with its places in the lists of all keys and of its scope's.
-- KEYS keys      hash: SHA-256 of a key -> record
-- KEYS order     zset, scores 0: the places
-- ARGV digest    SHA-256 of the key
-- ARGV record    its record
-- ARGV places... where it stands in lists
-- REPLY 1
-- SHAPE 1
-- IDEMPOTENT     the same key is kept once
local keys = KEYS[1]
local order = KEYS[2]
local digest = ARGV[1]
local record = ARGV[2]
redis.call("HSET", keys, digest, record)
for at = 3, #ARGV do redis.call("ZADD", order, 0, ARGV[at]) end
return 1
