-- Puts a session's state in place of the one that was read.
-- KEYS meta         hash: version, created (ms), epoch, state, state_version
-- KEYS log          list of turns
-- KEYS ids          zset of idempotency keys
-- KEYS sessions     zset of the user's sessions by their last change (ms)
-- ARGV session      the session's encoded id
-- ARGV read         version of the state that was read, 0: none
-- ARGV expected     version of the session that must be current, or -1 for any
-- ARGV state        record
-- ARGV ttl_ms       life after this call, > 0
-- ARGV channel      where the change is told, or empty
-- REPLY { 1 changed | 0 the state is another | -1 the session's version is another, the state's version, the session's }
-- SHAPE [-1 | 0 | 1, integer, integer]
local meta = KEYS[1]
local log = KEYS[2]
local ids = KEYS[3]
local sessions = KEYS[4]
local session = ARGV[1]
local read = tonumber(ARGV[2])
local expected = tonumber(ARGV[3])
local state = ARGV[4]
local ttl_ms = tonumber(ARGV[5])
local channel = ARGV[6]
-- INCLUDE mend
-- INCLUDE relay/outlive
mend(log, meta)
local known = redis.call("HMGET", meta, "version", "state_version", "created")
local version, present = tonumber(known[1] or 0), tonumber(known[2] or 0)
if expected >= 0 and expected ~= version then return { -1, present, version } end
if present ~= read then return { 0, present, version } end
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if not known[3] then redis.call("HSET", meta, "created", string.format("%.0f", now), "epoch", time[1] .. time[2]) end
redis.call("HSET", meta, "state", state, "state_version", present + 1)
redis.call("ZADD", sessions, now, session)
for i = 1, 3 do redis.call("PEXPIRE", KEYS[i], ttl_ms) end
outlive(sessions, ttl_ms)
if channel ~= "" then redis.call("PUBLISH", channel, version) end
return { 1, present + 1, version }
