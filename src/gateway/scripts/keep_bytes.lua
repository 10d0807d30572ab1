-- Counts the things that a request stored in place of its reservation: at least so many bytes for each, so that a repeat counts once.
-- KEYS ends         zset: name of a thing -> when it ends (ms)
-- KEYS sizes        hash: name of a thing -> bytes; "" -> their sum
-- ARGV reservation  its name; it ends
-- ARGV life_ms      how long the things are kept from now, > 0
-- ARGV things...    name, bytes of each thing
-- REPLY { "kept", the bytes that the scope keeps now }
-- SHAPE ["kept", integer]
local ends = KEYS[1]
local sizes = KEYS[2]
local reservation = ARGV[1]
local life_ms = tonumber(ARGV[2])
-- INCLUDE booked
sweep(100)
add(reservation, -size_of(reservation))
for i = 3, #ARGV, 2 do
  local thing = ARGV[i]
  if add(thing, math.max(0, tonumber(ARGV[i + 1]) - size_of(thing))) > 0 then redis.call("ZADD", ends, "GT", now + life_ms, thing) end
end
return { "kept", size_of("") }
