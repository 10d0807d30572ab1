-- Counts bytes of turns that sessions and conversations of a scope keep already; what is over counts no more.
-- KEYS ends         zset: name of a thing -> when it ends (ms)
-- KEYS sizes        hash: name of a thing -> bytes; "" -> their sum
-- ARGV things...    name, bytes to add (less than 0: to take away, all there are at most), life from now (ms) of each
-- REPLY { "kept", the bytes that the scope keeps now }
-- SHAPE ["kept", integer]
local ends = KEYS[1]
local sizes = KEYS[2]
-- INCLUDE booked
sweep(500)
for i = 1, #ARGV, 3 do
  if add(ARGV[i], tonumber(ARGV[i + 1])) > 0 then redis.call("ZADD", ends, "GT", now + tonumber(ARGV[i + 2]), ARGV[i]) end
end
return { "kept", size_of("") }
