-- Counts bytes of turns that sessions and conversations of a scope keep already; what is over counts no more.
-- KEYS ends         zset: name of a thing -> when it ends (ms)
-- KEYS sizes        hash: name of a thing -> bytes; "" -> their sum
-- ARGV things...    name, bytes to add (less than 0: to take away, all there are at most), life from now (ms) of each
-- REPLY the bytes that the scope keeps now
local ends = KEYS[1]
local sizes = KEYS[2]
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function add(thing, more)
  local size = tonumber(redis.call("HGET", sizes, thing) or "0")
  local after = math.max(0, size + more)
  redis.call("HINCRBY", sizes, "", after - size)
  if after == 0 then
    redis.call("HDEL", sizes, thing)
    redis.call("ZREM", ends, thing)
  else
    redis.call("HSET", sizes, thing, after)
  end
  return after
end
for _, thing in ipairs(redis.call("ZRANGEBYSCORE", ends, "-inf", now, "LIMIT", 0, 500)) do
  add(thing, -tonumber(redis.call("HGET", sizes, thing) or "0"))
  redis.call("ZREM", ends, thing)
end
for i = 1, #ARGV, 3 do
  if add(ARGV[i], tonumber(ARGV[i + 1])) > 0 then redis.call("ZADD", ends, "GT", now + tonumber(ARGV[i + 2]), ARGV[i]) end
end
return tonumber(redis.call("HGET", sizes, "") or "0")
