-- Notes when a group of a topic was last read; a topic has 1,000 groups at most. Tells whether there was room.
local function note_group(topic, group, now)
  local groups = topic .. ":groups"
  if redis.call("HEXISTS", groups, group) == 0 and redis.call("HLEN", groups) >= 1000 then return false end
  redis.call("HSET", groups, group, string.format("%d", now))
  return true
end
