-- Reads the newest turns of a session and renews its life.
-- KEYS log          list of records, oldest first
-- KEYS meta         hash: version
-- KEYS ids          zset of idempotency keys
-- ARGV last         how many turns, > 0
-- ARGV ttl_ms       life after this call, > 0
-- REPLY { version, record, ... }, oldest first; version 0 when there is no session
-- IDEMPOTENT        it only reads and renews
local log = KEYS[1]
local meta = KEYS[2]
local ids = KEYS[3]
local last = tonumber(ARGV[1])
local ttl_ms = tonumber(ARGV[2])
local version = tonumber(redis.call("HGET", meta, "version") or 0)
if version == 0 then return { 0 } end
for i = 1, 3 do redis.call("PEXPIRE", KEYS[i], ttl_ms) end
return { version, unpack(redis.call("LRANGE", log, -last, -1)) }
