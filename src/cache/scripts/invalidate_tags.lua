-- Ends all answers that bear a tag, or all of the cache: what was asked for before now serves no more. They leave with their life.
-- KEYS epoch        string: how often something was invalidated, ":", when all was
-- KEYS tags         hash: tag -> the epoch that ended it
-- ARGV life_ms      life of the longest answer: what is remembered for longer ends nothing
-- ARGV names...     tags; none: all
-- REPLY the new epoch
-- SHAPE integer
local epoch = KEYS[1]
local tags = KEYS[2]
local life_ms = ARGV[1]
local known = redis.call("GET", epoch) or "0:0"
local present = tonumber(string.match(known, "^%d+")) + 1
local all = tonumber(string.match(known, ":(%d+)"))
if #ARGV == 1 then
  all = present
  redis.call("DEL", tags)
end
for i = 2, #ARGV do redis.call("HSET", tags, ARGV[i], present) end
if #ARGV > 1 then redis.call("PEXPIRE", tags, life_ms) end
redis.call("SET", epoch, string.format("%d:%d", present, all), "PX", life_ms)
return present
