-- Notes that a scope has a topic, while there is room in the list of them.
-- KEYS topics    the scope's topics by name
-- ARGV name      the topic's name as a part of a key
-- ARGV room      topics that are listed, > 0
-- REPLY 1; 0 when there is no room
-- SHAPE 0 | 1
-- IDEMPOTENT a topic is listed once
local topics = KEYS[1]
local name = ARGV[1]
local room = tonumber(ARGV[2])
if not redis.call("ZSCORE", topics, name) and redis.call("ZCARD", topics) >= room then return 0 end
redis.call("ZADD", topics, 0, name)
return 1
