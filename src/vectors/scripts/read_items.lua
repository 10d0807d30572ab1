-- Reads items by id.
-- KEYS set          vector set of the namespace
-- KEYS items        hash: id -> record
-- KEYS due          zset of ids by the time (ms) when they end
-- ARGV vectors      1: with vectors
-- ARGV ids...       at least one
-- REPLY for each id in order: nil, or { record, life left in ms or 0, raw vector when asked for }
-- SHAPE [(nil | [text, text] | [text, text, any])...]
-- IDEMPOTENT        it reads
local set = KEYS[1]
local items = KEYS[2]
local due = KEYS[3]
local vectors = ARGV[1]
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ids = { unpack(ARGV, 2) }
local records = redis.call("HMGET", items, unpack(ids))
local ends = redis.call("ZMSCORE", due, unpack(ids))
local reply = {}
for i = 1, #ids do
  local left = ends[i] and tonumber(ends[i]) - now or 0
  if not records[i] or (ends[i] and left <= 0) then
    reply[i] = false
  else
    reply[i] = { records[i], string.format("%.0f", left) }
    if vectors == "1" then reply[i][3] = redis.call("VEMB", set, ids[i], "RAW") end
  end
end
return reply
