-- Adds what a group had put aside to the topic again, for that group alone.
-- KEYS topic      start of the topic's keys
-- ARGV group      the group
-- ARGV limit      how many at most, > 0
-- ARGV only...    ids of dead letters; none: the oldest
-- REPLY ids of the dead letters that go again
local topic = KEYS[1]
local group = ARGV[1]
local limit = tonumber(ARGV[2])
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
for _, entry in ipairs(entries) do
  local fields = {}
  for at = 1, #entry[2], 2 do fields[entry[2][at]] = entry[2][at + 1] end
  redis.call("XADD", topic .. ":log:" .. fields.p, "*", "b", fields.b, "k", fields.k or "", "g", group)
  redis.call("XDEL", dead, entry[1])
  redis.call("HDEL", dead .. ":of", fields.p .. "/" .. fields.e)
  again[#again + 1] = entry[1]
end
return again
