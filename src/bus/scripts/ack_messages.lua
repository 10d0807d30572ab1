-- Writes down how far a group is in a partition, and puts aside what could not be handled.
-- KEYS topic        start of the topic's keys
-- ARGV group        the group
-- ARGV reader       the reader
-- ARGV partition    the partition
-- ARGV fence        that it was given
-- ARGV from         the last entry that was written down as done
-- ARGV to           the last one that all is done up to
-- ARGV count        how many it is further
-- ARGV keep         of what all groups have done with, how many are kept in the partition, >= 0
-- ARGV keep_ms      and for how long
-- ARGV dead...      for each that is put aside: entry, reason, message
-- REPLY 1, or 0 when the partition is not the reader's any more, or the server has forgotten what was done: then nothing was written
-- SHAPE 0 | 1
local topic = KEYS[1]
local group = ARGV[1]
local reader = ARGV[2]
local partition = ARGV[3]
local fence = ARGV[4]
local from = ARGV[5]
local to = ARGV[6]
local count = tonumber(ARGV[7])
local keep = tonumber(ARGV[8])
local keep_ms = tonumber(ARGV[9])
-- INCLUDE topic
-- Whether an entry's id is after another one.
local function is_after(id, other)
  local ms, seq = string.match(id, "^(%d+)-(%d+)$")
  local other_ms, other_seq = string.match(other, "^(%d+)-(%d+)$")
  if ms == other_ms then return tonumber(seq) > tonumber(other_seq) end
  return tonumber(ms) > tonumber(other_ms)
end
if redis.call("HGET", topic .. ":owners:" .. group, partition) ~= reader .. " " .. fence then return 0 end
local ends = ends_of(topic .. ":log:" .. partition)
-- Behind its last entry a server that lost its last writes adds others, maybe before "to": its clock is another one.
if to ~= ends.last and is_after(to, ends.last) then return 0 end
local dead = topic .. ":dead:" .. group
for at = 10, #ARGV, 3 do
  local entry = redis.call("XRANGE", topic .. ":log:" .. partition, ARGV[at], ARGV[at])[1]
  -- The same one is put aside once, however often it is told.
  if entry and redis.call("HSETNX", dead .. ":of", partition .. "/" .. ARGV[at], 1) == 1 then
    redis.call("XADD", dead, "*", "p", partition, "e", ARGV[at], "r", ARGV[at + 1], "m", ARGV[at + 2], unpack(entry[2]))
  end
end
local field = group .. "/" .. partition
local before, number = string.match(redis.call("HGET", topic .. ":cursors", field) or "0-0 0", "^(%S+) (%d+)$")
-- Said again it is not counted twice; at the end the number is known; and what was done stays so.
if to == ends.last then number = ends.added elseif before == from then number = number + count elseif is_after(before, to) then to = before end
redis.call("HSET", topic .. ":cursors", field, to .. " " .. number)
redis.call("HDEL", topic .. ":tries:" .. group, partition)
trim(topic, partition, ends, keep, tonumber(redis.call("TIME")[1]) * 1000 - keep_ms)
return 1
