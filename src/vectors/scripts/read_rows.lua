-- Reads items of the local engine by id, and what changed in their partition since a process last looked.
-- KEYS items        hash: id -> record
-- KEYS rows         hash: id -> step (float32), 8-bit numbers, attributes (JSON)
-- KEYS due          zset of ids by the time (ms) when they end; only those that end
-- KEYS changes      zset of ids by the number of their last change
-- KEYS gone         zset of ids that are no more, by the same
-- KEYS meta         hash: contract, born, last, floor, marked
-- KEYS marks        string: a ring of the times of the last changes, four bytes each
-- ARGV agreed       the contract of this handle; empty: any
-- ARGV born         of the partition that the process has a copy of; empty: it has none
-- ARGV since        number of the last change that is in its copy, >= 0
-- ARGV base         number of the newest change when it began to read the partition: of what went before it has nothing
-- ARGV head         number of the newest change that it knows of, >= since
-- ARGV mark         what marked that change
-- ARGV count        how many changes at most, >= 0
-- ARGV room         how many of the newest items the process can hold, > 0
-- ARGV vectors      1: with the rows of the items that were asked for
-- ARGV ids...       items to read, or none
-- REPLY { born or "", 1 when the copy must begin anew, last change that is in this reply, newest change, its mark, 1 when there are more,
--       now (ms), items that have not ended (0 when no changes were asked for), { id, row or nil, end (ms) or nil, ... }, { for each id in order: nil, or record, life left in ms or 0, row when asked for } };
--       or the other contract, as text
-- SHAPE [text, 0 | 1, text, text, text, 0 | 1, text, integer, [(text, text | nil, text | nil)...], [(nil | [text, text] | [text, text, text | nil])...]] | text
-- IDEMPOTENT        it reads
-- INCLUDE marks
local items = KEYS[1]
local rows = KEYS[2]
local due = KEYS[3]
local changes = KEYS[4]
local gone = KEYS[5]
local meta = KEYS[6]
local marks = KEYS[7]
local agreed = ARGV[1]
local born = ARGV[2]
local since = ARGV[3]
local base = ARGV[4]
local head = ARGV[5]
local mark = ARGV[6]
local count = tonumber(ARGV[7])
local room = tonumber(ARGV[8])
local vectors = ARGV[9]
local known = redis.call("HMGET", meta, "contract", "born", "last", "floor", "marked")
if known[1] and agreed ~= "" and known[1] ~= agreed then return known[1] end
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local news, last, more, live = {}, since, 0, 0
if known[1] and count > 0 then
  local ended = redis.call("ZCOUNT", due, "-inf", now)
  live = redis.call("HLEN", rows) - ended
  -- Another partition of this name, another history of it, or tombstones that this copy never saw: all that it has may be gone.
  local same = known[2] == born and mark == mark_of(marks, known[5], known[3], tonumber(head))
  if not same or math.max(tonumber(since), tonumber(base)) < tonumber(known[4] or 0) then
    born, since = "", "0"
    -- Only the newest that there is room for. What is gone or has ended may be among them, and takes no room.
    local rank = room + redis.call("ZCARD", gone) + ended
    local outside = redis.call("ZREVRANGE", changes, rank, rank, "WITHSCORES")
    if outside[2] then since = string.format("%.0f", outside[2]) end
    last = since
  end
  local page = redis.call("ZRANGEBYSCORE", changes, "(" .. since, "+inf", "WITHSCORES", "LIMIT", 0, count)
  local at = 0
  for i = 1, #page, 2 do
    local ends = redis.call("ZSCORE", due, page[i])
    local is_over = ends and tonumber(ends) <= now
    news[at + 1] = page[i]
    news[at + 2] = not is_over and redis.call("HGET", rows, page[i])
    news[at + 3] = ends
    at = at + 3
    last = string.format("%.0f", page[i + 1])
  end
  if #page == 2 * count then more = 1 end
end
local read = {}
for i = 10, #ARGV do
  local record = redis.call("HGET", items, ARGV[i])
  local ends = redis.call("ZSCORE", due, ARGV[i])
  local left = ends and tonumber(ends) - now or 0
  if not record or (ends and left <= 0) then
    read[i - 9] = false
  else
    read[i - 9] = { record, string.format("%.0f", left) }
    if vectors == "1" then read[i - 9][3] = redis.call("HGET", rows, ARGV[i]) end
  end
end
local newest = known[3] or "0"
return { known[2] or "", born == "" and 1 or 0, last, newest, mark_of(marks, known[5], known[3], tonumber(newest)) or "", more, string.format("%.0f", now), live, news, read }
