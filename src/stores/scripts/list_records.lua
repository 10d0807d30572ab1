-- Lists records of a shelf in the order in which they came, or the other way round.
-- KEYS records      hash: id -> record
-- KEYS order        zset of the ids to list
-- ARGV after        id after which the page begins, or empty
-- ARGV before       id before which the page ends, or empty
-- ARGV limit        how many at most, > 0
-- ARGV newest_first 1: the newest first
-- REPLY { 1 when there are more, id, record, ... }; nil when `after` or `before` names none that is listed
-- SHAPE [0 | 1, (text, text)...] | nil
-- IDEMPOTENT        it reads
local records = KEYS[1]
local order = KEYS[2]
local after = ARGV[1]
local before = ARGV[2]
local limit = tonumber(ARGV[3])
local newest_first = ARGV[4]
local rank = newest_first == "1" and "ZREVRANK" or "ZRANK"
local range = newest_first == "1" and "ZREVRANGE" or "ZRANGE"
local first, last = 0, redis.call("ZCARD", order) - 1
if after ~= "" then
  local at = redis.call(rank, order, after)
  if not at then return nil end
  first = at + 1
end
if before ~= "" then
  local at = redis.call(rank, order, before)
  if not at then return nil end
  last = at - 1
  -- A page before something is the one that touches it.
  if after == "" then first = math.max(0, at - limit) end
end
local stop = math.min(last, first + limit - 1)
if stop < first then return { 0 } end
local reply = { stop < last and 1 or 0 }
if before ~= "" and after == "" and first > 0 then reply[1] = 1 end
local ids = redis.call(range, order, first, stop)
for at, record in ipairs(redis.call("HMGET", records, unpack(ids))) do
  if record then reply[#reply + 1], reply[#reply + 2] = ids[at], record end
end
return reply
