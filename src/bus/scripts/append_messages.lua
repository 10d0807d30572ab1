-- Adds messages to a topic, each once for its id; none of them when there is no room.
-- KEYS topic          start of the topic's keys
-- ARGV partitions     how many the topic has, > 0
-- ARGV checked        1: that was compared with what the topic was made with
-- ARGV room           messages that it holds, > 0
-- ARGV keep_ms        for how long those are kept that all groups have done with
-- ARGV idle_ms        after how long without a reader a group is forgotten when there is no room; 0: never
-- ARGV dedup_ms       how long an id is known, > 0
-- ARGV trace_ms       how long it is known in which trace a message was published, > 0
-- ARGV messages...    for each: partition, key, id ("": none), body, what carries its trace ("": none)
-- REPLY { how many more there is room for, for each: partition/entry; of an id that was there before that one's, with a "=" before it }; { "full" }; { "partitions:" and how many it has }
-- SHAPE [integer, (text)...] | [text]
local topic = KEYS[1]
local partitions = ARGV[1]
local checked = ARGV[2]
local room = tonumber(ARGV[3])
local keep_ms = tonumber(ARGV[4])
local idle_ms = tonumber(ARGV[5])
local dedup_ms = ARGV[6]
local trace_ms = ARGV[7]
-- INCLUDE partitions
-- INCLUDE room
local logs = topic .. ":log:"
if checked ~= "1" then
  local known = agreed_partitions(topic, partitions)
  if known ~= tonumber(partitions) then return { "partitions:" .. known } end
  redis.call("HSET", topic .. ":meta", "room", room)
end
local left = room_beside(topic, partitions, room, (#ARGV - 7) / 5, keep_ms, idle_ms)
if left < 0 then return { "full" } end
local reply = { left }
for at = 8, #ARGV, 5 do
  local partition, key, id, body, carrier = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local known = id ~= "" and redis.call("GET", topic .. ":seen:" .. id)
  if known then
    reply[#reply + 1] = "=" .. known
  else
    local log = logs .. partition
    local entry = key == "" and redis.call("XADD", log, "*", "b", body) or redis.call("XADD", log, "*", "b", body, "k", key)
    local place = partition .. "/" .. entry
    -- Beside the entry: versions that know of no traces take a field behind the key for the group that a message is for.
    if carrier ~= "" then redis.call("SET", topic .. ":trace:" .. place, carrier, "PX", trace_ms) end
    if id ~= "" then redis.call("SET", topic .. ":seen:" .. id, place, "PX", dedup_ms) end
    reply[#reply + 1] = place
  end
end
return reply
