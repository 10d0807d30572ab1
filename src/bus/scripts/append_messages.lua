-- Adds messages to a topic, each once for its id; none of them when there is no room.
-- KEYS topic          start of the topic's keys
-- ARGV partitions     how many the topic has, > 0
-- ARGV room           messages that it holds, > 0
-- ARGV keep           of those that all groups have done with, how many are kept, >= 0
-- ARGV keep_ms        and for how long
-- ARGV dedup_ms       how long an id is known, > 0
-- ARGV messages...    for each: partition, key, id ("": none), body
-- REPLY for each: partition/entry; of an id that was there before that one's, with a "=" before it; one "full", or one "partitions:" and how many it has
local topic = KEYS[1]
local partitions = ARGV[1]
local room = tonumber(ARGV[2])
local keep = tonumber(ARGV[3])
local keep_ms = tonumber(ARGV[4])
local dedup_ms = tonumber(ARGV[5])
-- INCLUDE topic
local meta = topic .. ":meta"
local stored = redis.call("HMGET", meta, "partitions", "size")
if not stored[1] then
  redis.call("HSET", meta, "partitions", partitions)
elseif stored[1] ~= partitions then
  return { "partitions:" .. stored[1] }
end
local size, count = tonumber(stored[2] or 0), (#ARGV - 5) / 4
if size + count > room then
  local now = tonumber(redis.call("TIME")[1]) * 1000
  for partition = 0, partitions - 1 do size = size - trim(topic, tostring(partition), math.floor(keep / partitions), now - keep_ms) end
  -- What was read may go for what is to come.
  if size + count > room then
    for partition = 0, partitions - 1 do size = size - trim(topic, tostring(partition), 0, now + 1000) end
  end
  if size + count > room then return { "full" } end
end
local reply, added, numbers, awake = {}, 0, {}, {}
for at = 6, #ARGV, 4 do
  local partition, key, id, body = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local seen = topic .. ":seen:" .. id
  local known = id ~= "" and redis.call("GET", seen)
  if known then
    reply[#reply + 1] = "=" .. known
  else
    local number = redis.call("HINCRBY", meta, partition, 1)
    local entry = redis.call("XADD", topic .. ":log:" .. partition, "*", "n", number, "k", key, "b", body)
    if id ~= "" then redis.call("SET", seen, partition .. "/" .. entry, "PX", dedup_ms) end
    added = added + 1
    if awake[partition] == nil then awake[partition] = redis.call("EXISTS", topic .. ":awake:" .. partition) == 1 end
    if awake[partition] then
      -- Whoever waits is handed the message itself, unless it is packed.
      local plain = string.sub(body, 1, 2) == "\1\0" and #body < 4096
      local told = partition .. " " .. entry .. " " .. number .. " " .. #key .. " " .. key .. (plain and string.sub(body, 3) or "")
      redis.call("PUBLISH", topic .. ":told", told)
    end
    reply[#reply + 1] = partition .. "/" .. entry
  end
end
if added > 0 then redis.call("HINCRBY", meta, "size", added) end
return reply
