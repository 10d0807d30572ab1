-- Adds what a group had put aside to the topic again, for that group alone, as far as there is room.
-- KEYS topic      start of the topic's keys
-- ARGV group      the group
-- ARGV limit      how many at most, > 0
-- ARGV only...    ids of dead letters; none: the oldest
-- REPLY ids of the dead letters that go again
-- SHAPE [(text)...]
local topic = KEYS[1]
local group = ARGV[1]
local limit = tonumber(ARGV[2])
-- INCLUDE partitions
-- INCLUDE room
local dead = topic .. ":dead:" .. group
local entries = {}
if #ARGV > 2 then
  for at = 3, #ARGV do
    local entry = redis.call("XRANGE", dead, ARGV[at], ARGV[at])[1]
    if entry then entries[#entries + 1] = entry end
  end
else
  entries = redis.call("XRANGE", dead, "-", "+", "COUNT", limit)
end
local again = {}
-- What was said by its publishers; none did before this was kept. No group is forgotten for it: that could be this one.
local meta, many = redis.call("HMGET", topic .. ":meta", "partitions", "room"), #entries
local room = tonumber(meta[2])
if room then many = many + math.min(0, room_beside(topic, partitions_of(meta[1]) or PARTITIONS_MAX, room, many, math.huge, 0)) end
for at = 1, many do
  local entry, fields = entries[at], {}
  for nth = 1, #entry[2], 2 do fields[entry[2][nth]] = entry[2][nth + 1] end
  -- One that was named twice goes once.
  if redis.call("XDEL", dead, entry[1]) == 1 then
    local added = redis.call("XADD", topic .. ":log:" .. fields.p, "*", "b", fields.b, "k", fields.k or "", "g", group)
    -- It goes on in its trace, while that is known.
    local before = topic .. ":trace:" .. fields.p .. "/" .. fields.e
    local left_ms = redis.call("PTTL", before)
    if left_ms > 0 then redis.call("SET", topic .. ":trace:" .. fields.p .. "/" .. added, redis.call("GET", before), "PX", left_ms) end
    redis.call("HDEL", dead .. ":of", fields.p .. "/" .. fields.e)
    again[#again + 1] = entry[1]
  end
end
return again
