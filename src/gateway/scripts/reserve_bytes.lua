-- Reserves bytes of a scope for a request: as many as its things would add to those that are counted for them already; what is over counts no more.
-- KEYS ends         zset: name of a thing -> when it ends (ms)
-- KEYS sizes        hash: name of a thing -> bytes; "" -> their sum
-- ARGV name         the reservation, a thing itself
-- ARGV life_ms      how long it lasts unless it is renewed, > 0
-- ARGV bytes_max    bytes of the scope at most
-- ARGV things...    name, bytes of each thing
-- REPLY { "booked", the bytes that are reserved }; or { "full", the bytes that are kept }: there is no room beside them, and nothing changed
-- SHAPE ["booked" | "full", integer]
local ends = KEYS[1]
local sizes = KEYS[2]
local name = ARGV[1]
local life_ms = tonumber(ARGV[2])
local bytes_max = tonumber(ARGV[3])
-- INCLUDE booked
sweep(100)
local bytes = 0
for i = 4, #ARGV, 2 do bytes = bytes + math.max(0, tonumber(ARGV[i + 1]) - size_of(ARGV[i])) end
local kept = size_of("")
if bytes > 0 and kept + bytes > bytes_max then return { "full", kept } end
if add(name, bytes) > 0 then redis.call("ZADD", ends, "GT", now + life_ms, name) end
return { "booked", bytes }
