-- Puts an item of a graph's store, or takes it away.
-- KEYS items        hash: "namespace parts|...||key" -> record
-- KEYS order        zset of those fields, all of score 0, so in the order of namespaces
-- ARGV field        of the item
-- ARGV record       the item, without when it was made
-- ARGV take         1: takes it away
-- REPLY time (ms) when the item was made first, 0 when it was taken away
-- SHAPE integer
-- IDEMPOTENT        the same item replaces itself
local items = KEYS[1]
local order = KEYS[2]
local field = ARGV[1]
local record = ARGV[2]
local take = ARGV[3]
if take == "1" then
  redis.call("HDEL", items, field)
  redis.call("ZREM", order, field)
  return 0
end
local time = redis.call("TIME")
local now = string.format("%.0f", time[1] * 1000 + math.floor(time[2] / 1000))
local known = redis.call("HGET", items, field)
local created = known and string.match(known, "^(%d+):") or now
redis.call("HSET", items, field, created .. ":" .. now .. ":" .. record)
redis.call("ZADD", order, 0, field)
return tonumber(created)
