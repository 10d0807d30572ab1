-- Reads a checkpoint with its values and its pending writes, and renews the thread's life.
-- KEYS order        zset, all of score 0: "namespace|id"
-- KEYS checkpoints  hash: "namespace|id" -> record; "namespace|id|" -> fields of its channels' values, a line each
-- KEYS values       hash: "namespace|channel|version" -> record
-- KEYS writes       hash: "namespace|id|task|place" -> record; "namespace|id" -> those fields, a line each
-- ARGV member       "namespace|id"; "namespace|": the newest of the namespace
-- ARGV ttl_ms       life of the thread after this call, or 0: no end
-- REPLY { member, record, how many values, field, record, ..., field of a write, record, ... }; nil: there is none
-- SHAPE [text, text, integer, (text, text)...] | nil
-- IDEMPOTENT        it reads and renews
local order = KEYS[1]
local checkpoints = KEYS[2]
local values = KEYS[3]
local writes = KEYS[4]
local member = ARGV[1]
local ttl_ms = tonumber(ARGV[2])
if string.sub(member, -1) == "|" then
  member = redis.call("ZREVRANGEBYLEX", order, "(" .. member .. "\255", "[" .. member, "LIMIT", 0, 1)[1]
  if not member then return nil end
end
local record = redis.call("HGET", checkpoints, member)
if not record then return nil end
if ttl_ms > 0 then
  for i = 1, 4 do redis.call("PEXPIRE", KEYS[i], ttl_ms) end
end
local reply = { member, record, 0 }
local function add(hash, fields)
  for field in string.gmatch(fields or "", "[^\n]+") do
    local value = redis.call("HGET", hash, field)
    if value then
      reply[#reply + 1] = field
      reply[#reply + 1] = value
    end
  end
end
add(values, redis.call("HGET", checkpoints, member .. "|"))
reply[3] = (#reply - 3) / 2
add(writes, redis.call("HGET", writes, member))
return reply
