-- Puts a record on a shelf: in place of what was read, or as a new one at its end.
-- KEYS records      hash: id -> record
-- KEYS order        zset of ids by the time (us) when they came
-- KEYS weights      hash: id -> weight; "" -> their sum
-- KEYS labels...    zset of ids for each label, ordered alike
-- ARGV id           the record's id
-- ARGV before       the record as it was read; empty: there must be none
-- ARGV record       the new record
-- ARGV label        number of its label, 1 for the first; 0: none
-- ARGV weight       its weight, an integer >= 0
-- ARGV room         how many the shelf may hold
-- REPLY 1 put, 0 it is something else by now, -1 the shelf is full
-- SHAPE -1 | 0 | 1
local records = KEYS[1]
local order = KEYS[2]
local weights = KEYS[3]
local id = ARGV[1]
local before = ARGV[2]
local record = ARGV[3]
local label = tonumber(ARGV[4])
local weight = tonumber(ARGV[5])
local room = tonumber(ARGV[6])
if (redis.call("HGET", records, id) or "") ~= before then return 0 end
if before == "" and redis.call("HLEN", records) >= room then return -1 end
local at = redis.call("ZSCORE", order, id)
if not at then
  local time = redis.call("TIME")
  at = string.format("%.0f", time[1] * 1000000 + time[2])
  redis.call("ZADD", order, at, id)
end
for i = 4, #KEYS do
  if i - 3 == label then
    redis.call("ZADD", KEYS[i], at, id)
  else
    redis.call("ZREM", KEYS[i], id)
  end
end
redis.call("HINCRBY", weights, "", weight - (tonumber(redis.call("HGET", weights, id)) or 0))
redis.call("HSET", weights, id, weight)
redis.call("HSET", records, id, record)
return 1
