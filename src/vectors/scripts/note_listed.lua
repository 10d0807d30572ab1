-- Notes what is known of a collection or a migration, while there is room in the list of them.
-- KEYS listed    hash: name -> what is known
-- KEYS order     zset, scores 0: the names
-- ARGV name      as a part of a key
-- ARGV about     JSON
-- ARGV room      how many are listed, > 0
-- REPLY 1; 0 when there is no room
-- SHAPE 0 | 1
-- IDEMPOTENT     a name is listed once
local listed = KEYS[1]
local order = KEYS[2]
local name = ARGV[1]
local about = ARGV[2]
local room = tonumber(ARGV[3])
if redis.call("HEXISTS", listed, name) == 0 and redis.call("HLEN", listed) >= room then return 0 end
redis.call("HSET", listed, name, about)
redis.call("ZADD", order, 0, name)
return 1
