-- Puts a checkpoint of a thread, with the values of its channels that are new, and renews the thread's life.
-- KEYS order        zset, all of score 0: "namespace|id", so in the order of ids within a namespace
-- KEYS checkpoints  hash: "namespace|id" -> record; "namespace|id|" -> fields of its channels' values, a line each
-- KEYS values       hash: "namespace|channel|version" -> record
-- KEYS writes       hash of pending writes
-- ARGV member       "namespace|id"
-- ARGV record       the checkpoint without its values
-- ARGV channels     fields of all its channels' values, a line each
-- ARGV ttl_ms       life of the thread after this call, or 0: no end
-- ARGV fresh...     field and record of each value that is new, in pairs
-- REPLY 1
-- SHAPE 1
-- IDEMPOTENT        the same checkpoint replaces itself
local order = KEYS[1]
local checkpoints = KEYS[2]
local values = KEYS[3]
local writes = KEYS[4]
local member = ARGV[1]
local record = ARGV[2]
local channels = ARGV[3]
local ttl_ms = tonumber(ARGV[4])
redis.call("ZADD", order, 0, member)
redis.call("HSET", checkpoints, member, record, member .. "|", channels)
for i = 5, #ARGV, 2 do redis.call("HSET", values, ARGV[i], ARGV[i + 1]) end
if ttl_ms > 0 then
  for i = 1, 4 do redis.call("PEXPIRE", KEYS[i], ttl_ms) end
end
return 1
