-- Appends turns to a session's log, once for each idempotency key, and renews its life.
-- KEYS log          list of records, oldest first
-- KEYS meta         hash: version (sequence number of the newest turn), created (ms)
-- KEYS ids          zset of idempotency keys by the version that they made
-- ARGV id           idempotency key of this append
-- ARGV expected     version that must be current, or -1 for any
-- ARGV ttl_ms       life after this call, > 0
-- ARGV max_turns    turns kept at most, > 0
-- ARGV max_ids      idempotency keys kept at most, > 0
-- ARGV records...   the turns, at least one
-- REPLY { status, version }: 1 appended, 0 appended before (version = what it made then), -1 the version is another
-- IDEMPOTENT        the id is kept with the session and a repeated one appends nothing
local log = KEYS[1]
local meta = KEYS[2]
local ids = KEYS[3]
local id = ARGV[1]
local expected = tonumber(ARGV[2])
local ttl_ms = tonumber(ARGV[3])
local max_turns = tonumber(ARGV[4])
local max_ids = tonumber(ARGV[5])
local made = redis.call("ZSCORE", ids, id)
if made then return { 0, tonumber(made) } end
local version = tonumber(redis.call("HGET", meta, "version") or 0)
if expected >= 0 and expected ~= version then return { -1, version } end
if version == 0 then
  local time = redis.call("TIME")
  redis.call("HSET", meta, "created", string.format("%.0f", time[1] * 1000 + math.floor(time[2] / 1000)))
end
for i = 6, #ARGV do redis.call("RPUSH", log, ARGV[i]) end
version = redis.call("HINCRBY", meta, "version", #ARGV - 5)
redis.call("LTRIM", log, -max_turns, -1)
redis.call("ZADD", ids, version, id)
redis.call("ZREMRANGEBYRANK", ids, 0, -max_ids - 1)
for i = 1, 3 do redis.call("PEXPIRE", KEYS[i], ttl_ms) end
return { 1, version }
