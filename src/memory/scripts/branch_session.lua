-- Makes a new session out of another one's turns up to a point, with its state and what is known of it.
-- KEYS log          list of the other's turns
-- KEYS meta         hash of the other
-- KEYS to_log       list of the new one's turns
-- KEYS to_meta      hash of the new one
-- KEYS sessions     zset of the user's sessions by their last change (ms)
-- ARGV session      the new session's encoded id
-- ARGV at           sequence number of its last turn, or -1: all
-- ARGV ttl_ms       life after this call, > 0
-- REPLY the new one's version; -1 there is one of this id, -2 there is no other, -3 its turns do not reach there
-- SHAPE integer
local log = KEYS[1]
local meta = KEYS[2]
local to_log = KEYS[3]
local to_meta = KEYS[4]
local sessions = KEYS[5]
local session = ARGV[1]
local at = tonumber(ARGV[2])
local ttl_ms = tonumber(ARGV[3])
if redis.call("HEXISTS", to_meta, "created") == 1 then return -1 end
-- INCLUDE mend
-- INCLUDE relay/outlive
mend(log, meta)
local known = redis.call("HMGET", meta, "version", "created", "state", "state_version", "metadata", "bytes", "tokens")
if not known[2] then return -2 end
local version = tonumber(known[1] or 0)
local oldest = version - redis.call("LLEN", log) + 1
if at < 0 then at = version end
if at > version or at < oldest - 1 then return -3 end
local bytes, tokens = tonumber(known[6] or 0), tonumber(known[7] or 0)
if at >= oldest then redis.call("COPY", log, to_log, "REPLACE") end
for _ = at + 1, version do
  local turn = at >= oldest and redis.call("RPOP", to_log) or ""
  bytes, tokens = bytes - #turn, tokens - tonumber(string.match(turn, "^%d+") or 0)
end
if at < oldest then bytes, tokens = 0, 0 end
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call("HSET", to_meta, "version", at, "created", string.format("%.0f", now), "epoch", time[1] .. time[2])
redis.call("HSET", to_meta, "bytes", bytes, "tokens", tokens)
if known[3] then redis.call("HSET", to_meta, "state", known[3], "state_version", known[4]) end
if known[5] then redis.call("HSET", to_meta, "metadata", known[5]) end
redis.call("ZADD", sessions, now, session)
for i = 3, 4 do redis.call("PEXPIRE", KEYS[i], ttl_ms) end
outlive(sessions, ttl_ms)
return at
