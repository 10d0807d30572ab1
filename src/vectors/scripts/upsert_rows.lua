-- Stores items of one partition of the local engine, all in one step.
-- KEYS items        hash: id -> record
-- KEYS rows         hash: id -> step (float32), 8-bit numbers, attributes (JSON)
-- KEYS due          zset of ids by the time (ms) when they end; only those that end
-- KEYS changes      zset of ids by the number of their last change
-- KEYS gone         zset of ids that are no more, by the same
-- KEYS meta         hash: contract, born, last, floor, marked
-- KEYS marks        string: a ring of the times of the last changes, four bytes each
-- ARGV agreed       the contract of this handle
-- ARGV sweep        how many ended items to take out at most, >= 0
-- ARGV given...     for each item: id, row, record, ttl_ms (0 = no end)
-- REPLY { how many items are new, how many ended ones were taken out, number of the last change before, its mark or "",
--       number of the last change, its mark, now (ms) }; or the other contract, as text, when it differs and nothing was stored
-- SHAPE [integer, integer, text, text, text, text, text] | text
-- IDEMPOTENT        the same items replace themselves
-- INCLUDE changes
local items = KEYS[1]
local rows = KEYS[2]
local due = KEYS[3]
local changes = KEYS[4]
local gone = KEYS[5]
local meta = KEYS[6]
local marks = KEYS[7]
local agreed = ARGV[1]
local sweep = tonumber(ARGV[2])
local known = redis.call("HMGET", meta, "contract", "last", "marked")
if known[1] and known[1] ~= agreed then return known[1] end
local before, mark_before = known[2] or "0", mark_of(marks, known[3], known[2], tonumber(known[2] or 0))
if not known[1] then redis.call("HSET", meta, "contract", agreed, "born", next_change(meta, marks)) end
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ended = redis.call("ZRANGEBYSCORE", due, "-inf", now, "LIMIT", 0, sweep)
for _, old in ipairs(ended) do
  redis.call("HDEL", rows, old)
  redis.call("HDEL", items, old)
  redis.call("ZREM", due, old)
  note_gone(meta, marks, changes, gone, old)
end
local new = 0
for i = 3, #ARGV, 4 do
  local id, ttl_ms = ARGV[i], tonumber(ARGV[i + 3])
  redis.call("HSET", rows, id, ARGV[i + 1])
  new = new + redis.call("HSET", items, id, ARGV[i + 2])
  if ttl_ms > 0 then
    redis.call("ZADD", due, now + ttl_ms, id)
  else
    redis.call("ZREM", due, id)
  end
  note_row(meta, marks, changes, gone, id)
end
known = redis.call("HMGET", meta, "last", "marked")
local mark = mark_of(marks, known[2], known[1], tonumber(known[1] or 0))
return { new, #ended, before, mark_before or "", known[1] or "0", mark or "", string.format("%.0f", now) }
