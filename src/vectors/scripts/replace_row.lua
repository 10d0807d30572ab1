-- Puts another record and other attributes in place of an item's of the local engine, if it is still what was read and has not ended.
-- KEYS items        hash: id -> record
-- KEYS rows         hash: id -> step (float32), 8-bit numbers, attributes (JSON)
-- KEYS due          zset of ids by the time (ms) when they end; only those that end
-- KEYS changes      zset of ids by the number of their last change
-- KEYS gone         zset of ids that are no more, by the same
-- KEYS meta         hash: contract, born, last, floor, marked
-- KEYS marks        string: a ring of the times of the last changes, four bytes each
-- ARGV id           the item
-- ARGV before       its record as it was read
-- ARGV head         bytes of a row before its attributes, > 0
-- ARGV attributes   JSON
-- ARGV record       the new record
-- REPLY 1 replaced, 0 it is something else by now
-- SHAPE 0 | 1
-- INCLUDE changes
local items = KEYS[1]
local rows = KEYS[2]
local due = KEYS[3]
local changes = KEYS[4]
local gone = KEYS[5]
local meta = KEYS[6]
local marks = KEYS[7]
local id = ARGV[1]
local before = ARGV[2]
local head = tonumber(ARGV[3])
local attributes = ARGV[4]
local record = ARGV[5]
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = redis.call("ZSCORE", due, id)
if ends and tonumber(ends) <= now then return 0 end
if redis.call("HGET", items, id) ~= before then return 0 end
local row = redis.call("HGET", rows, id)
redis.call("HSET", rows, id, string.sub(row, 1, head) .. attributes)
redis.call("HSET", items, id, record)
note_row(meta, marks, changes, gone, id)
return 1
