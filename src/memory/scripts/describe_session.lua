-- Makes a session that nothing was said in yet, or changes what is known of one.
-- KEYS meta         hash: created (ms), epoch, metadata
-- KEYS log          list of turns
-- KEYS ids          zset of idempotency keys
-- KEYS sessions     zset of the user's sessions by their last change (ms)
-- ARGV session      the session's encoded id
-- ARGV metadata     record
-- ARGV which        new: there must be none; old: there must be one
-- ARGV ttl_ms       life after this call, > 0
-- REPLY 1 done, 0 there is one, or none
-- SHAPE 0 | 1
local meta = KEYS[1]
local log = KEYS[2]
local ids = KEYS[3]
local sessions = KEYS[4]
local session = ARGV[1]
local metadata = ARGV[2]
local which = ARGV[3]
local ttl_ms = tonumber(ARGV[4])
-- INCLUDE mend
-- INCLUDE relay/outlive
mend(log, meta)
local exists = redis.call("HEXISTS", meta, "created") == 1
if exists == (which == "new") then return 0 end
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if not exists then redis.call("HSET", meta, "created", string.format("%.0f", now), "epoch", time[1] .. time[2]) end
redis.call("HSET", meta, "metadata", metadata)
redis.call("ZADD", sessions, now, session)
for i = 1, 3 do redis.call("PEXPIRE", KEYS[i], ttl_ms) end
outlive(sessions, ttl_ms)
return 1
