-- Says that a reader of a group lives, and shares the topic's partitions among those that do.
-- KEYS topic          start of the topic's keys
-- ARGV group          the group
-- ARGV reader         the reader
-- ARGV lease_ms       how long it lives from now, > 0; 0: it leaves
-- ARGV partitions     how many the topic has, > 0
-- ARGV from_start     1: a new group begins with the oldest message, 0: with the next one
-- ARGV leaving        1: it takes no more partitions, 0: it takes its share
-- ARGV given_up...    partitions that the reader has done with; with a "?" behind it, where more may have been handled than is written down
-- REPLY { "groups:N" }: the topic may have no more groups; else { how many it should give up, then for each of its partitions: partition, fence, cursor, id of the last message there, times it was taken over at this cursor, whether all before the cursor and nothing behind it was handled }
-- SHAPE [integer, (any)...] | [text]
local topic = KEYS[1]
local group = ARGV[1]
local reader = ARGV[2]
local lease_ms = tonumber(ARGV[3])
local partitions = tonumber(ARGV[4])
local from_start = ARGV[5]
local leaving = ARGV[6]
-- INCLUDE relay/fence
-- INCLUDE topic
-- INCLUDE partitions
-- INCLUDE known_groups
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local readers, owners, cursors, tries = topic .. ":readers:" .. group, topic .. ":owners:" .. group, topic .. ":cursors", topic .. ":tries:" .. group
local clean = topic .. ":clean:" .. group
local known = agreed_partitions(topic, partitions)
if known ~= partitions then return { "partitions:" .. known } end
if not note_group(topic, group, now) then return { "groups:1000" } end
redis.call("ZREMRANGEBYSCORE", readers, "-inf", now)
if lease_ms > 0 then redis.call("ZADD", readers, now + lease_ms, reader) else redis.call("ZREM", readers, reader) end
-- Names the server's data as they are since its start or the last fail-over: one that lost its last writes may not know who had a partition since it
-- was handed over.
local function history()
  local info = redis.pcall("INFO", "replication")
  return type(info) == "string" and string.match(info, "master_replid:(%x+)") or "1"
end
local given_up = {}
for at = 7, #ARGV do given_up[ARGV[at]] = true end
local own, free = {}, {}
for partition = 0, partitions - 1 do
  local place = tostring(partition)
  local owner = redis.call("HGET", owners, place)
  local name = owner and string.match(owner, "^(%S+) ")
  if name == reader and (given_up[place] or given_up[place .. "?"] or lease_ms == 0) then
    redis.call("HDEL", owners, place)
    -- One that it never heard to be its own it does not name: who had it before may have died.
    if given_up[place] then redis.call("HSET", clean, place, history()) end
    name = nil
    owner = nil
  end
  if name == reader then
    own[#own + 1] = { place, string.match(owner, " (%d+)$") }
  elseif not name then
    free[#free + 1] = { place, false }
  elseif not redis.call("ZSCORE", readers, name) then
    free[#free + 1] = { place, true }
  end
end
if lease_ms == 0 then return { 0 } end
local alive = redis.call("ZCARD", readers)
local share = math.ceil(partitions / alive)
local reply = { math.max(0, #own - share) }
local function tell(place, fence, handed_over, died)
  local field = group .. "/" .. place
  local cursor = redis.call("HGET", cursors, field)
  local ends = ends_of(topic .. ":log:" .. place)
  if not cursor then
    cursor = from_start == "1" and "0-0 " .. (ends.added - ends.length) or ends.last .. " " .. ends.added
    redis.call("HSET", cursors, field, cursor)
    handed_over = 1
  end
  local after = string.match(cursor, "^%S+")
  -- Of a dead reader's: what stood next may be what killed it.
  if died and after ~= ends.last then redis.call("HINCRBY", tries, place, 1) end
  for _, word in ipairs({ place, fence, after, ends.last, redis.call("HGET", tries, place) or "0", handed_over }) do
    reply[#reply + 1] = word
  end
end
for _, one in ipairs(own) do tell(one[1], one[2], 0) end
for _, one in ipairs(free) do
  if #own < share and leaving ~= "1" then
    own[#own + 1] = one
    local fence = later_fence(redis.call("HGET", topic .. ":meta", "fence"), time)
    redis.call("HSET", topic .. ":meta", "fence", fence)
    redis.call("HSET", owners, one[1], reader .. " " .. fence)
    local left = redis.call("HGET", clean, one[1])
    if left then redis.call("HDEL", clean, one[1]) end
    tell(one[1], fence, left and left == history() and 1 or 0, one[2])
  end
end
return reply
