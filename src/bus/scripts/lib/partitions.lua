-- Topics have so many partitions at most. What is stored as their number may be damaged, and a script that went through as many as it says would
-- hold the server. Of a number that cannot be, as many are looked at as any topic may have: those that it does not have are empty.
local PARTITIONS_MAX = 64
local function partitions_of(text)
  local count = tonumber(text)
  if count and count >= 1 and count <= PARTITIONS_MAX and count == math.floor(count) then return count end
end
-- How many a topic has, which is made so if nothing says it or what says it is damaged.
local function agreed_partitions(topic, partitions)
  redis.call("HSETNX", topic .. ":meta", "partitions", partitions)
  local known = partitions_of(redis.call("HGET", topic .. ":meta", "partitions"))
  if not known then redis.call("HSET", topic .. ":meta", "partitions", partitions) end
  return known or tonumber(partitions)
end
