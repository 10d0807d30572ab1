-- Finds sets of attributes that hold all of some attributes, the newest first.
-- KEYS ends         zset: sets of attributes of the cache -> when their last entry ends (ms)
-- KEYS sets         hash: set -> how often it was noted, ":", its attributes as JSON
-- KEYS bearers      prefix of zsets as `ends`, one for each attribute with its value; prefix .. digest is used, in the same slot
-- ARGV count        sets that are wanted at most, > 0
-- ARGV skip         sets that were looked at before, >= 0
-- ARGV look         sets to look at, at most, > 0
-- ARGV digests...   of each attribute with its value; none: all sets
-- REPLY { how many were looked at, how many there are to look at, set, text, ... }
-- SHAPE [integer, integer, (text, text)...]
-- IDEMPOTENT        it reads
local ends = KEYS[1]
local sets = KEYS[2]
local bearers = KEYS[3]
local count = tonumber(ARGV[1])
local skip = tonumber(ARGV[2])
local look = tonumber(ARGV[3])
local first = 4
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local fewest = ends
local size = redis.call("ZCARD", ends)
for i = first, #ARGV do
  local held = redis.call("ZCARD", bearers .. ARGV[i])
  if held < size then
    fewest = bearers .. ARGV[i]
    size = held
  end
end
local near = redis.call("ZREVRANGEBYSCORE", fewest, "+inf", "(" .. now, "LIMIT", skip, look)
local reply = { 0, size }
for _, set in ipairs(near) do
  if #reply >= 2 + 2 * count then return reply end
  reply[1] = reply[1] + 1
  local holds = true
  for i = first, #ARGV do
    if not redis.call("ZSCORE", bearers .. ARGV[i], set) then holds = false end
  end
  local text = holds and redis.call("HGET", sets, set)
  if text then
    reply[#reply + 1] = set
    reply[#reply + 1] = text
  end
end
return reply
