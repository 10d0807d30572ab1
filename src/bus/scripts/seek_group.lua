-- Sets a group to a point of a topic, forwards or back; its readers go on from there.
-- KEYS topic         start of the topic's keys
-- ARGV group         the group
-- ARGV partitions    how many the topic has, > 0
-- ARGV to            an entry's id after which it goes on ("0-0": all), or "end"
-- REPLY 1; "groups:N": the topic has N groups, and may have no more
-- SHAPE 1 | text
-- IDEMPOTENT
local topic = KEYS[1]
local group = ARGV[1]
local partitions = tonumber(ARGV[2])
local to = ARGV[3]
-- INCLUDE topic
-- INCLUDE known_groups
if not note_group(topic, group, redis.call("TIME")[1] * 1000) then return "groups:1000" end
for partition = 0, partitions - 1 do
  local log = topic .. ":log:" .. partition
  local ends = ends_of(log)
  local last, number = ends.last, ends.added
  if to ~= "end" then
    -- At the last entry up to there.
    local entry = redis.call("XREVRANGE", log, to, "-", "COUNT", 1)[1]
    last, number = entry and entry[1] or "0-0", ends.added - ends.length
  end
  redis.call("HSET", topic .. ":cursors", group .. "/" .. partition, last .. " " .. number)
end
-- Readers that are at work lose what they have, and take it up from here.
redis.call("DEL", topic .. ":owners:" .. group, topic .. ":tries:" .. group, topic .. ":clean:" .. group)
return 1
