-- Puts an entry on a board, changes it at the version that is known, or takes it away.
-- KEYS board       entries by name: version, a space, record
-- ARGV name        the entry
-- ARGV version     the version that is changed; 0: there must be none; -1: whatever there is
-- ARGV record      the new one; "": it is taken away
-- ARGV room        entries that the board holds, > 0
-- ARGV life_ms     how long the board lives without a change, > 0
-- REPLY { 1, its version now }, { 0, the version that there is }, or { -1, 0 } when there is no room
-- SHAPE [-1 | 0 | 1, integer]
local board = KEYS[1]
local name = ARGV[1]
local version = tonumber(ARGV[2])
local record = ARGV[3]
local room = tonumber(ARGV[4])
local life_ms = tonumber(ARGV[5])
local stored = redis.call("HGET", board, name)
local known = stored and tonumber(string.match(stored, "^%d+")) or 0
if version >= 0 and version ~= known then return { 0, known } end
if record == "" then
  redis.call("HDEL", board, name)
  return { 1, 0 }
end
-- One field more counts the versions.
if not stored and redis.call("HLEN", board) > room then return { -1, 0 } end
-- Versions grow over all entries, so that one that was taken away and put again is another one.
local now = redis.call("HINCRBY", board, "", 1)
redis.call("HSET", board, name, string.format("%.0f ", now) .. record)
redis.call("PEXPIRE", board, life_ms)
return { 1, now }
