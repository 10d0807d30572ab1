-- INCLUDE partitions
-- When each group of a topic was last read is in the hash `:groups`.

-- Whether a reader of the group is at work.
local function is_read(topic, group, now)
  local last = redis.call("ZRANGE", topic .. ":readers:" .. group, -1, -1, "WITHSCORES")[2]
  return last and tonumber(last) > now
end

-- Forgets a group. Tells whether there was one.
local function forget(topic, group)
  local gone = redis.call("HDEL", topic .. ":groups", group)
  local partitions = partitions_of(redis.call("HGET", topic .. ":meta", "partitions")) or PARTITIONS_MAX
  for partition = 0, partitions - 1 do
    gone = math.max(gone, redis.call("HDEL", topic .. ":cursors", group .. "/" .. partition))
  end
  for _, part in ipairs({ ":readers:", ":owners:", ":tries:", ":clean:", ":dead:" }) do
    gone = math.max(gone, redis.call("DEL", topic .. part .. group))
  end
  redis.call("DEL", topic .. ":dead:" .. group .. ":of")
  return gone
end

-- Forgets groups that no reader read for idle_ms. A group that was never seen, for Marrow 0.1 kept no times, is seen now.
local function forget_idle(topic, now, idle_ms)
  local seen = {}
  local known = redis.call("HGETALL", topic .. ":groups")
  for at = 1, #known, 2 do seen[known[at]] = tonumber(known[at + 1]) end
  local cursors = redis.call("HKEYS", topic .. ":cursors")
  for _, field in ipairs(cursors) do
    local group = string.match(field, "^(.*)/%d+$")
    if group and not seen[group] then
      seen[group] = now
      redis.call("HSET", topic .. ":groups", group, string.format("%d", now))
    end
  end
  local gone = 0
  for group, at in pairs(seen) do
    if at + idle_ms <= now and not is_read(topic, group, now) then gone = gone + forget(topic, group) end
  end
  return gone
end
