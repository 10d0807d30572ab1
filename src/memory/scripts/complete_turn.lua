-- Puts an answer behind the question that was left open for it, and renews the session's life.
-- KEYS log          list of "tokens:record", oldest first; "tokens~:record" is a turn of an open question, "0~count.tag:" the place of its answer
-- KEYS meta         hash: version, created (ms), epoch, bytes, tokens, summary_to, learned_to
-- KEYS ids          zset of idempotency keys by the version that they made: of a question that of its answer's place
-- KEYS sessions     zset of the user's sessions by their last change (ms)
-- ARGV session      the session's encoded id
-- ARGV id           idempotency key of the question
-- ARGV answer       the turn, "tokens:record"
-- ARGV release      1: a later question may have the id
-- ARGV ttl_ms       life after this call, > 0
-- ARGV life_ms      life after the first call, or 0: no end
-- ARGV max_bytes    bytes kept at most, or 0
-- ARGV max_tokens   tokens kept at most, or 0
-- ARGV born         time (ms) when the session that is meant was created, or empty: any, also none
-- ARGV channel      where the change is told, or empty
-- REPLY { status, version, epoch, epoch before }: 1 it is there, 0 no such question is open any more, -1 it has its answer, or somebody took it out, -2 the session that is meant has ended
-- SHAPE [integer, integer, text, text]
-- IDEMPOTENT        a question that has its answer gets no other
local log = KEYS[1]
local meta = KEYS[2]
local ids = KEYS[3]
local sessions = KEYS[4]
local session = ARGV[1]
local id = ARGV[2]
local answer = ARGV[3]
local release = ARGV[4]
local ttl_ms = tonumber(ARGV[5])
local life_ms = tonumber(ARGV[6])
local max_bytes = tonumber(ARGV[7])
local max_tokens = tonumber(ARGV[8])
local born = ARGV[9]
local channel = ARGV[10]
-- INCLUDE mend
-- INCLUDE opening
-- INCLUDE renew
-- INCLUDE trim
local known, mended = known_of(log, meta, "version", "bytes", "tokens", "epoch", "summary_to", "learned_to")
if born ~= "" and born ~= known[1] and not mended then return { -2, 0, "", "" } end
local version, before = tonumber(known[2] or 0), known[5] or ""
local bytes, tokens = tonumber(known[3] or 0), tonumber(known[4] or 0)
local made, at, count, asked = opening(log, ids, id, version)
if not at then return { made > 0 and -1 or 0, version, before, before } end
local first = made - count
if count ~= 1 then asked = redis.call("LRANGE", log, at - count, at) end
local place = table.remove(asked)
local open = 0
for _, turn in ipairs(asked) do
  if string.match(turn, "^%d+~:") then open = open + 1 end
end
-- What was trimmed, or summed up without it, cannot be completed in its place: it comes anew, at the end.
local late = #asked < count or tonumber(known[6] or 0) >= first
if late or open == 0 then
  local less, fewer = take_out(log, at, count)
  redis.call("HSET", meta, "bytes", bytes - less, "tokens", tokens - fewer)
  if late then redis.call("ZREM", ids, id) end
  return { late and 0 or -1, version, before, before }
end
for i, turn in ipairs(asked) do
  local mark = string.match(turn, "^%d+()~:")
  if mark then
    redis.call("LSET", log, at - #asked + i - 1, string.sub(turn, 1, mark - 1) .. string.sub(turn, mark + 1))
    bytes = bytes - 1
  end
end
bytes = bytes - #place + #answer
tokens = tokens + tonumber(string.match(answer, "^%d+"))
redis.call("LSET", log, at, answer)
-- The answer is one turn for another: only the log's bytes and tokens have changed.
if (max_bytes > 0 and bytes > max_bytes) or (max_tokens > 0 and tokens > max_tokens) then
  bytes, tokens = trim(log, redis.call("LLEN", log), bytes, tokens, math.huge, max_bytes, max_tokens)
end
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch = time[1] .. time[2]
redis.call("HSET", meta, "bytes", bytes, "tokens", tokens, "epoch", epoch)
if tonumber(known[7] or 0) >= first then redis.call("HSET", meta, "learned_to", first - 1) end
if release == "1" then redis.call("ZREM", ids, id) end
local listed = redis.call("ZADD", sessions, now, session)
if life_ms > 0 then ttl_ms = math.max(1, math.min(ttl_ms, tonumber(known[1]) + life_ms - now)) end
renew(log, meta, ids, sessions, ttl_ms, listed == 1)
if channel ~= "" then redis.call("PUBLISH", channel, version) end
return { 1, version, epoch, before }
