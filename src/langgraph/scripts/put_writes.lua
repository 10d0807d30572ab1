-- Keeps writes of a task that belong to a checkpoint, each once, and renews the thread's life.
-- KEYS order        zset of the thread's checkpoints
-- KEYS checkpoints  hash of them
-- KEYS values       hash of their channels' values
-- KEYS writes       hash: "namespace|id|task|place" -> record; "namespace|id" -> those fields, a line each
-- ARGV member       "namespace|id" of the checkpoint
-- ARGV ttl_ms       life of the thread after this call, or 0: no end
-- ARGV added...     field, record and 1 where it replaces the one of its place, in threes
-- REPLY how many were kept
-- SHAPE integer
-- IDEMPOTENT        a write of a place is kept once, or replaces itself
local order = KEYS[1]
local checkpoints = KEYS[2]
local values = KEYS[3]
local writes = KEYS[4]
local member = ARGV[1]
local ttl_ms = tonumber(ARGV[2])
local known = redis.call("HGET", writes, member) or ""
local kept = 0
for i = 3, #ARGV, 3 do
  local isNew = redis.call("HEXISTS", writes, ARGV[i]) == 0
  if isNew then known = known .. ARGV[i] .. "\n" end
  if isNew or ARGV[i + 2] == "1" then
    redis.call("HSET", writes, ARGV[i], ARGV[i + 1])
    kept = kept + 1
  end
end
redis.call("HSET", writes, member, known)
if ttl_ms > 0 then
  for i = 1, 4 do redis.call("PEXPIRE", KEYS[i], ttl_ms) end
end
return kept
