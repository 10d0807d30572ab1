-- Stores one item of the local engine whole, if what is there is still what was read.
-- KEYS items        hash: id -> record
-- KEYS rows         hash: id -> step (float32), 8-bit numbers, attributes (JSON)
-- KEYS due          zset of ids by the time (ms) when they end; only those that end
-- KEYS changes      zset of ids by the number of their last change
-- KEYS gone         zset of ids that are no more, by the same
-- KEYS meta         hash: contract, born, last, floor, marked
-- KEYS marks        string: a ring of the times of the last changes, four bytes each
-- ARGV agreed       the contract of this handle
-- ARGV before       the record as it was read; empty: nothing was there
-- ARGV given...     id, row, record, ttl_ms (0 = no end)
-- REPLY 1 stored, 0 it is something else by now; the other contract, as text, when it differs and nothing was stored
-- SHAPE 0 | 1 | text
-- INCLUDE changes
local items = KEYS[1]
local rows = KEYS[2]
local due = KEYS[3]
local changes = KEYS[4]
local gone = KEYS[5]
local meta = KEYS[6]
local marks = KEYS[7]
local agreed = ARGV[1]
local before = ARGV[2]
local known = redis.call("HGET", meta, "contract")
if known and known ~= agreed then return known end
local id, ttl_ms = ARGV[3], tonumber(ARGV[6])
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = redis.call("ZSCORE", due, id)
local present = redis.call("HGET", items, id)
if not present or (ends and tonumber(ends) <= now) then present = "" end
if present ~= before then return 0 end
if not known then redis.call("HSET", meta, "contract", agreed, "born", next_change(meta, marks)) end
redis.call("HSET", rows, id, ARGV[4])
redis.call("HSET", items, id, ARGV[5])
if ttl_ms > 0 then
  redis.call("ZADD", due, now + ttl_ms, id)
else
  redis.call("ZREM", due, id)
end
note_row(meta, marks, changes, gone, id)
return 1
