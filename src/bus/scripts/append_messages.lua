-- Adds messages to a topic, each once for its id; none of them when there is no room.
-- KEYS topic          start of the topic's keys
-- ARGV partitions     how many the topic has, > 0
-- ARGV checked        1: that was compared with what the topic was made with
-- ARGV room           messages that it holds, > 0
-- ARGV keep_ms        for how long those are kept that all groups have done with
-- ARGV dedup_ms       how long an id is known, > 0
-- ARGV messages...    for each: partition, key, id ("": none), body
-- REPLY for each: partition/entry; of an id that was there before that one's, with a "=" before it; one "full", or one "partitions:" and how many it has
local topic = KEYS[1]
local partitions = tonumber(ARGV[1])
local checked = ARGV[2]
local room = tonumber(ARGV[3])
local keep_ms = tonumber(ARGV[4])
local dedup_ms = tonumber(ARGV[5])
local meta, logs = topic .. ":meta", topic .. ":log:"
if checked ~= "1" then
  redis.call("HSETNX", meta, "partitions", partitions)
  local known = redis.call("HGET", meta, "partitions")
  if tonumber(known) ~= partitions then return { "partitions:" .. known } end
end
local count = (#ARGV - 5) / 4
-- While no partition is over its share of the room, the topic is not over it either.
local over = count > 1
if not over then over = redis.call("XLEN", logs .. ARGV[6]) >= math.floor(room / partitions) end
if over then
  local size = 0
  for partition = 0, partitions - 1 do size = size + redis.call("XLEN", logs .. partition) end
  if size + count > room then
-- INCLUDE topic
    local now = tonumber(redis.call("TIME")[1]) * 1000
    -- What was read goes for what is to come.
    for partition = 0, partitions - 1 do
      if size + count > room then
        local length = redis.call("XLEN", logs .. partition)
        size = size - trim(topic, tostring(partition), math.max(0, length - (size + count - room)), now - keep_ms)
      end
    end
    if size + count > room then return { "full" } end
  end
end
local reply = {}
for at = 6, #ARGV, 4 do
  local partition, key, id, body = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local known = id ~= "" and redis.call("GET", topic .. ":seen:" .. id)
  if known then
    reply[#reply + 1] = "=" .. known
  else
    local number = redis.call("HINCRBY", meta, partition, 1)
    local entry = redis.call("XADD", logs .. partition, "*", "n", number, "k", key, "b", body)
    if id ~= "" then redis.call("SET", topic .. ":seen:" .. id, partition .. "/" .. entry, "PX", dedup_ms) end
    -- Whoever listens is handed the message itself, unless it is packed.
    local plain = #body < 4096 and string.sub(body, 1, 2) == "\1\0"
    redis.call("PUBLISH", topic .. ":told", partition .. " " .. entry .. " " .. number .. " " .. #key .. " " .. key .. (plain and string.sub(body, 3) or ""))
    reply[#reply + 1] = partition .. "/" .. entry
  end
end
return reply
