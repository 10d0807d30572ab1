-- Takes a record off a shelf.
-- KEYS records      hash: id -> record
-- KEYS order        zset of ids by the time (us) when they came
-- KEYS weights      hash: id -> weight; "" -> their sum
-- KEYS labels...    zset of ids for each label
-- ARGV id           the record's id
-- REPLY 1 it was there, 0 it was not
-- SHAPE 0 | 1
-- IDEMPOTENT        what is gone stays gone; a repeated call may say that it was not there
local records = KEYS[1]
local order = KEYS[2]
local weights = KEYS[3]
local id = ARGV[1]
redis.call("ZREM", order, id)
for i = 4, #KEYS do redis.call("ZREM", KEYS[i], id) end
local weight = tonumber(redis.call("HGET", weights, id) or "0")
if weight ~= 0 then redis.call("HINCRBY", weights, "", -weight) end
redis.call("HDEL", weights, id)
local removed = redis.call("HDEL", records, id)
if redis.call("HLEN", records) == 0 then redis.call("DEL", weights) end
return removed
