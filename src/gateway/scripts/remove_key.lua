-- Takes an API key away, with its places in lists.
-- KEYS keys      hash: SHA-256 of a key -> record
-- KEYS order     zset, scores 0: the places
-- ARGV digest    SHA-256 of the key
-- ARGV places... where it stands in lists
-- REPLY whether there was one
-- SHAPE 0 | 1
-- IDEMPOTENT     twice is as once
local keys = KEYS[1]
local order = KEYS[2]
local digest = ARGV[1]
for at = 2, #ARGV do redis.call("ZREM", order, ARGV[at]) end
return redis.call("HDEL", keys, digest)
