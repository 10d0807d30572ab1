-- Counts bytes that a scope keeps: books them for a thing, moves a booking to another name, or takes it back; what is over counts no more.
-- KEYS ends         zset: name of a thing -> when it ends (ms)
-- KEYS sizes        hash: name of a thing -> bytes; "" -> their sum
-- ARGV name         the thing
-- ARGV bytes        bytes to add; less than 0: to take away, all there are at most
-- ARGV life_ms      how long the thing is kept from now, > 0
-- ARGV bytes_max    bytes of the scope at most
-- ARGV from         a thing whose bytes are moved to this one, or empty
-- ARGV instead      1: the bytes take the place of those that were booked for the thing; else 0
-- ARGV only         how many bytes the thing must have now, or nothing changes; -1: any
-- REPLY { "booked", the bytes whose place was taken }; or { "full", the bytes that are kept }: there is no room beside them, and nothing changed
-- SHAPE ["booked" | "full", integer]
local ends = KEYS[1]
local sizes = KEYS[2]
local name = ARGV[1]
local bytes = tonumber(ARGV[2])
local life_ms = tonumber(ARGV[3])
local bytes_max = tonumber(ARGV[4])
local from = ARGV[5]
local instead = ARGV[6]
local only = tonumber(ARGV[7])
-- INCLUDE booked
sweep(100)
if only >= 0 and size_of(name) ~= only then return { "booked", size_of(name) } end
local before = 0
if instead == "1" then before = size_of(name) end
bytes = bytes - before
if from ~= "" then
  local moved = size_of(from)
  add(from, -moved)
  bytes = bytes + moved
elseif bytes > 0 then
  local kept = size_of("")
  if kept + bytes > bytes_max then return { "full", kept } end
end
if add(name, bytes) > 0 then redis.call("ZADD", ends, "GT", now + life_ms, name) end
return { "booked", before }
