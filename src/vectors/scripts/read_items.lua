-- Reads items by id.
-- KEYS items        hash: id -> record
-- KEYS due          zset of ids by the time (ms) when they end
-- ARGV ids...       at least one
-- REPLY { record or false, ... } in the order of the ids
-- IDEMPOTENT        it reads
local items = KEYS[1]
local due = KEYS[2]
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local records = redis.call("HMGET", items, unpack(ARGV))
local ends = redis.call("ZMSCORE", due, unpack(ARGV))
for i = 1, #ARGV do
  if ends[i] and tonumber(ends[i]) <= now then records[i] = false end
end
return records
