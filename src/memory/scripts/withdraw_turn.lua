-- Takes an open question back that will get no answer. One that nothing was said after leaves no trace, others leave their numbers.
-- KEYS log          list of turns
-- KEYS meta         hash: version, epoch, bytes, tokens, summary_to
-- KEYS ids          zset of idempotency keys by the version that they made
-- KEYS sessions     zset of the user's sessions
-- ARGV session      the session's encoded id
-- ARGV id           idempotency key of the question
-- ARGV channel      where the change is told, or empty
-- REPLY 1 it was open, 0 it was not
-- SHAPE 0 | 1
-- IDEMPOTENT        what is gone stays gone; a repeated call may say that it was not there
local log = KEYS[1]
local meta = KEYS[2]
local ids = KEYS[3]
local sessions = KEYS[4]
local session = ARGV[1]
local id = ARGV[2]
local channel = ARGV[3]
-- INCLUDE mend
-- INCLUDE opening
mend(log, meta)
local known = redis.call("HMGET", meta, "version", "bytes", "tokens", "summary_to", "metadata", "state")
local version = tonumber(known[1] or 0)
local _, at, count = opening(log, ids, id, version)
if not at then return 0 end
local newest = at == -1
local before = math.min(redis.call("LLEN", log) - 1, count)
local less, fewer = take_out(log, at, count)
redis.call("ZREM", ids, id)
if newest then
  redis.call("LTRIM", log, 0, -2 - before)
  version, less = version - 1 - count, less + 2 + 2 * before
end
if newest and version <= 0 and not known[5] and not known[6] then
  redis.call("ZREM", sessions, session)
  redis.call("UNLINK", log, meta, ids)
  return 1
end
redis.call("HSET", meta, "version", version, "bytes", tonumber(known[2] or 0) - less, "tokens", tonumber(known[3] or 0) - fewer)
if newest then
  local time = redis.call("TIME")
  redis.call("HSET", meta, "epoch", time[1] .. time[2])
  if tonumber(known[4] or 0) > version then redis.call("HDEL", meta, "summary", "summary_to") end
end
if channel ~= "" then redis.call("PUBLISH", channel, version) end
return 1
