-- Publishes a message to whoever listens to a topic now, numbered so that a listener sees what it missed.
-- KEYS count      counter of the topic's messages
-- ARGV channel    the topic's channel
-- ARGV message    what is published
-- ARGV sharded    1: within the shard alone
-- ARGV life_ms    how long the counter lives without a message, > 0
-- REPLY how many listeners it reached (on a cluster: of this node)
-- SHAPE integer
local count = KEYS[1]
local channel = ARGV[1]
local message = ARGV[2]
local sharded = ARGV[3]
local life_ms = tonumber(ARGV[4])
local number = redis.call("INCR", count)
redis.call("PEXPIRE", count, life_ms)
return redis.call(sharded == "1" and "SPUBLISH" or "PUBLISH", channel, string.format("%.0f ", number) .. message)
