-- Keeps a task as it is now; one that has ended stays as it ended.
-- KEYS start        start of the keys of this agent
-- ARGV owner        whose task
-- ARGV id           the task
-- ARGV record       the task
-- ARGV ended        1: it has ended
-- ARGV state        its state
-- ARGV context      the context it belongs to
-- ARGV stamp_ms     when its status changed
-- ARGV life_ms      how long it is kept, > 0
-- ARGV room         tasks of an owner at most, > 0
-- REPLY 1, or 0 when it had ended before
-- SHAPE 0 | 1
-- IDEMPOTENT the same task put again is kept as it is
local start = KEYS[1]
local owner = ARGV[1]
local id = ARGV[2]
local record = ARGV[3]
local ended = ARGV[4]
local state = ARGV[5]
local context = ARGV[6]
local stamp_ms = tonumber(ARGV[7])
local life_ms = tonumber(ARGV[8])
local room = tonumber(ARGV[9])
local OVER_MAX = 1000
local key, over, order = start .. ":task:" .. owner .. "/" .. id, start .. ":ended:" .. owner .. "/" .. id, start .. ":order:" .. owner
local info = start .. ":info:" .. owner
if ended == "0" and redis.call("EXISTS", over) == 1 then return 0 end
redis.call("SET", key, record, "PX", life_ms)
if ended == "1" then redis.call("SET", over, "1", "PX", life_ms) end
redis.call("ZADD", order, stamp_ms, id)
redis.call("HSET", info, id, state .. " " .. redis.sha1hex(context))
for _, old in ipairs(redis.call("ZRANGEBYSCORE", order, "-inf", stamp_ms - life_ms, "LIMIT", 0, OVER_MAX)) do
  redis.call("ZREM", order, old)
  redis.call("HDEL", info, old)
end
redis.call("PEXPIRE", order, life_ms)
redis.call("PEXPIRE", info, life_ms)
for _, old in ipairs(redis.call("ZRANGE", order, 0, -room - 1)) do
  redis.call("ZREM", order, old)
  redis.call("HDEL", info, old)
  redis.call("DEL", start .. ":task:" .. owner .. "/" .. old, start .. ":ended:" .. owner .. "/" .. old)
end
return 1
