-- Makes the very first API key, once in the life of an installation.
-- KEYS keys         hash: SHA-256 of a key -> record
-- KEYS installed    string without an end: API keys were made here
-- KEYS order        zset, scores 0: the places of keys in lists
-- ARGV digest       SHA-256 of the key
-- ARGV record       its record
-- ARGV places...    where it stands in lists
-- REPLY 1 made, 0 there are keys, -1 there were keys, and they are gone
-- SHAPE -1 | 0 | 1
-- IDEMPOTENT        the same key is made once, and told of again
local keys = KEYS[1]
local installed = KEYS[2]
local order = KEYS[3]
local digest = ARGV[1]
local record = ARGV[2]
if redis.call("HGET", keys, digest) == record then return 1 end
if redis.call("HLEN", keys) > 0 then
  redis.call("SET", installed, "1")
  return 0
end
if redis.call("EXISTS", installed) == 1 then return -1 end
redis.call("HSET", keys, digest, record)
for at = 3, #ARGV do redis.call("ZADD", order, 0, ARGV[at]) end
redis.call("SET", installed, "1")
return 1
