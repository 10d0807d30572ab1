-- Bytes that a scope keeps, by thing: in `sizes` with their sum under "", in `ends` by when the thing ends.
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- Adds bytes to a thing, or takes away what there are of them at most; answers how many it has then.
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
-- Takes away what has ended by now, some things in one go.
local function sweep(most)
  for _, thing in ipairs(redis.call("ZRANGEBYSCORE", ends, "-inf", now, "LIMIT", 0, most)) do
    add(thing, -tonumber(redis.call("HGET", sizes, thing) or "0"))
    redis.call("ZREM", ends, thing)
  end
end
