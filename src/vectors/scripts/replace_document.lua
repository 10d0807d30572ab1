-- Puts another record and other attributes in place of an item's, if it is still what was read; vector and life stay.
-- KEYS document     hash of the item
-- ARGV before       its record as it was read
-- ARGV gone         how many of the words that follow are fields to take away
-- ARGV fields...    fields to take away, then field, value, ...
-- REPLY 1 replaced, 0 it is something else by now
-- SHAPE 0 | 1
local document = KEYS[1]
local before = ARGV[1]
local gone = tonumber(ARGV[2])
if redis.call("HGET", document, "r") ~= before then return 0 end
if gone > 0 then redis.call("HDEL", document, unpack(ARGV, 3, 2 + gone)) end
redis.call("HSET", document, unpack(ARGV, 3 + gone))
return 1
