-- Sets a group to a point of a topic, forwards or back; its readers go on from there.
-- KEYS topic         start of the topic's keys
-- ARGV group         the group
-- ARGV partitions    how many the topic has, > 0
-- ARGV to            an entry's id after which it goes on ("0-0": all), or "end"
-- REPLY 1
-- IDEMPOTENT
local topic = KEYS[1]
local group = ARGV[1]
local partitions = tonumber(ARGV[2])
local to = ARGV[3]
for partition = 0, partitions - 1 do
  -- At the last entry up to there.
  local last = redis.call("XREVRANGE", topic .. ":log:" .. partition, to == "end" and "+" or to, "-", "COUNT", 1)[1]
  local cursor = last and last[1] .. " " .. last[2][2] or "0-0 0"
  redis.call("HSET", topic .. ":cursors", group .. "/" .. partition, cursor)
end
-- Readers that are at work lose what they have, and take it up from here.
redis.call("DEL", topic .. ":owners:" .. group, topic .. ":tries:" .. group, topic .. ":clean:" .. group)
return 1
