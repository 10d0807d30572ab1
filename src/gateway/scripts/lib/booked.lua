-- Bytes that a scope keeps, by thing: in `sizes` with their sum under "", in `ends` by when the thing ends.
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- Sums are added up anew of so many things at most; of more they begin anew.
local THINGS_MAX = 100000
-- A stored number of bytes; nil where something else stands.
local function bytes_of(text)
  local bytes = tonumber(text or "0")
  if not bytes or not (bytes >= 0 and bytes < 9007199254740992) then return nil end
  return math.floor(bytes)
end
-- Begins anew where a key is of another type: what ends when, and how large it is, belong together.
for key, wanted in pairs({ [ends] = "zset", [sizes] = "hash" }) do
  local type = redis.call("TYPE", key).ok
  if type ~= "none" and type ~= wanted then
    redis.call("DEL", ends, sizes)
    break
  end
end
-- Takes out what is no number of bytes, and adds the sum up anew.
local function mend()
  local sum = 0
  if redis.call("HLEN", sizes) > THINGS_MAX then
    redis.call("DEL", ends, sizes)
    return
  end
  local all = redis.call("HGETALL", sizes)
  for at = 1, #all, 2 do
    local bytes = bytes_of(all[at + 1])
    if all[at] ~= "" and bytes then
      sum = sum + bytes
    elseif all[at] ~= "" then
      redis.call("HDEL", sizes, all[at])
      redis.call("ZREM", ends, all[at])
    end
  end
  redis.call("HSET", sizes, "", string.format("%.0f", sum))
end
-- How many bytes a thing has; "" the sum.
local function size_of(thing)
  local bytes = bytes_of(redis.call("HGET", sizes, thing))
  if bytes then return bytes end
  mend()
  return bytes_of(redis.call("HGET", sizes, thing)) or 0
end
-- Adds bytes to a thing, or takes away what there are of them at most; answers how many it has then.
local function add(thing, more)
  local size = size_of(thing)
  local after = math.max(0, size + more)
  local sum = math.max(0, size_of("") + after - size)
  redis.call("HSET", sizes, "", string.format("%.0f", sum))
  if after == 0 then
    redis.call("HDEL", sizes, thing)
    redis.call("ZREM", ends, thing)
  else
    redis.call("HSET", sizes, thing, string.format("%.0f", after))
  end
  return after
end
-- Takes away what has ended by now, some things in one go.
local function sweep(most)
  for _, thing in ipairs(redis.call("ZRANGEBYSCORE", ends, "-inf", now, "LIMIT", 0, most)) do
    add(thing, -size_of(thing))
    redis.call("ZREM", ends, thing)
  end
end
