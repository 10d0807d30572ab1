-- Reads turns of a session and renews its life.
-- KEYS log          list of "tokens:record", oldest first
-- KEYS meta         hash: version, created (ms), epoch, summary
-- KEYS ids          zset of idempotency keys
-- KEYS sessions     zset of the user's sessions by their last change (ms)
-- ARGV after        sequence number after which the range begins, >= 0
-- ARGV before       sequence number before which it ends, or 0: it has no end
-- ARGV count        how many turns at most, > 0
-- ARGV newest       1: the newest of the range, 0: the oldest, 2: the newest, and older ones for those that are open or were taken out
-- ARGV ttl_ms       life after this call, > 0
-- ARGV life_ms      life after the first call, or 0: no end
-- REPLY { version, epoch, oldest kept, summary, first in this reply, created (ms), turn, ... }, oldest first; version 0 when there is no session
-- SHAPE [integer, any, integer, text, integer, text, (text)...]
-- IDEMPOTENT        it only reads and renews
local log = KEYS[1]
local meta = KEYS[2]
local ids = KEYS[3]
local sessions = KEYS[4]
local after = tonumber(ARGV[1])
local before = tonumber(ARGV[2])
local count = tonumber(ARGV[3])
local newest = ARGV[4]
local ttl_ms = tonumber(ARGV[5])
local life_ms = tonumber(ARGV[6])
-- INCLUDE mend
-- INCLUDE renew
local known = known_of(log, meta, "version", "epoch", "summary")
if not known[1] then return { 0, "", 1, "", 1, "" } end
if life_ms > 0 then
  local time = redis.call("TIME")
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  ttl_ms = math.max(1, math.min(ttl_ms, known[1] + life_ms - now))
end
renew(log, meta, ids, sessions, ttl_ms, false)
local version = tonumber(known[2] or 0)
-- The newest turns may be all that the session has: then nothing else is asked of the log.
local ahead = newest == "2" and before == 0 and after == 0 and redis.call("LRANGE", log, -count, -1)
local kept = ahead and #ahead < count and #ahead or redis.call("LLEN", log)
if kept > version then ahead = false end
local oldest = version - kept + 1
local first, last = math.max(oldest, math.min(after, version) + 1), version
if before > 0 then last = math.min(version, before - 1) end
if newest == "2" then
  -- Newest first, passing over what is open or was taken out. Bounded: among thousands of these, fewer are found.
  local found, whole, from, size = {}, 0, last + 1, count
  for _ = 1, 8 do
    local start = math.max(first, from - size)
    if start == from then break end
    local page = ahead or redis.call("LRANGE", log, start - oldest, from - 1 - oldest)
    ahead = false
    for i = #page, 1, -1 do
      if whole == count then break end
      found[#found + 1] = page[i]
      if page[i] ~= "0:" and not string.match(page[i], "^%d+~") then whole = whole + 1 end
    end
    if whole == count then break end
    from, size = start, 2 * math.max(16, size)
  end
  local reply = { version, known[3], oldest, known[4] or "", last - #found + 1, known[1] }
  for i = #found, 1, -1 do reply[#reply + 1] = found[i] end
  return reply
end
if newest == "1" then
  first = math.max(first, last - count + 1)
else
  last = math.min(last, first + count - 1)
end
local reply = { version, known[3], oldest, known[4] or "", first, known[1] }
if last < first then return reply end
for _, turn in ipairs(redis.call("LRANGE", log, first - oldest, last - oldest)) do reply[#reply + 1] = turn end
return reply
