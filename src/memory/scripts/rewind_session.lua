-- Takes the newest turns away, up to a point; their numbers are given anew.
-- KEYS log          list of turns
-- KEYS meta         hash: version, epoch, bytes, tokens, summary, summary_to
-- KEYS ids          zset of idempotency keys by the version that they made
-- ARGV to           sequence number of the last turn that stays, >= 0
-- ARGV expected     version that must be current, or -1 for any
-- ARGV channel      where the change is told, or empty
-- REPLY { 1 done | 0 turns do not reach there | -1 the version is another, version }
-- SHAPE [-1 | 0 | 1, integer]
-- IDEMPOTENT        what is gone stays gone
local log = KEYS[1]
local meta = KEYS[2]
local ids = KEYS[3]
local to = tonumber(ARGV[1])
local expected = tonumber(ARGV[2])
local channel = ARGV[3]
-- INCLUDE mend
mend(log, meta)
local known = redis.call("HMGET", meta, "version", "bytes", "tokens", "summary_to")
local version = tonumber(known[1] or 0)
if version == to then return { 1, version } end
if expected >= 0 and expected ~= version then return { -1, version } end
if to > version or to < version - redis.call("LLEN", log) then return { 0, version } end
local bytes, tokens = tonumber(known[2] or 0), tonumber(known[3] or 0)
for _ = to + 1, version do
  local turn = redis.call("RPOP", log)
  bytes, tokens = bytes - #turn, tokens - tonumber(string.match(turn, "^%d+") or 0)
end
local time = redis.call("TIME")
redis.call("HSET", meta, "version", to, "bytes", bytes, "tokens", tokens, "epoch", time[1] .. time[2])
if tonumber(known[4] or 0) > to then redis.call("HDEL", meta, "summary", "summary_to") end
redis.call("ZREMRANGEBYSCORE", ids, "(" .. to, "+inf")
if channel ~= "" then redis.call("PUBLISH", channel, to) end
return { 1, to }
