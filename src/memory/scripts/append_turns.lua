-- Appends turns to a session's log, once for each idempotency key, trims it and renews its life.
-- KEYS log          list of "tokens:record", oldest first; "0:" is a turn that was taken out; see complete_turn for open questions
-- KEYS meta         hash: version (sequence number of the newest turn), created (ms), epoch, bytes, tokens
-- KEYS ids          zset of idempotency keys by the version that they made
-- KEYS sessions     zset of the user's sessions by their last change (ms)
-- KEYS starts       prefix of the sessions' keys; the script looks for prefix .. session .. ":meta", in the same slot
-- ARGV session      the session's encoded id
-- ARGV id           idempotency key of this append
-- ARGV expected     version that must be current, or -1 for any
-- ARGV ttl_ms       life after this call, > 0
-- ARGV life_ms      life after the first call, or 0: no end
-- ARGV max_turns    turns kept at most, > 0
-- ARGV max_bytes    bytes kept at most, or 0
-- ARGV max_tokens   tokens kept at most, or 0
-- ARGV max_ids      idempotency keys kept at most, > 0
-- ARGV born         time (ms) when the session that is meant was created, or empty: any, also none
-- ARGV channel      where the change is told, or empty
-- ARGV records...   the turns, "tokens:record" each, at least one
-- REPLY { status, version, epoch, created (ms) }: 1 appended, 0 appended before (version = what it made then), 2 the same and its answer is still to come, -1 the version is another, -2 the session that is meant has ended
-- SHAPE [integer, integer, text, text]
-- IDEMPOTENT        the id is kept with the session and a repeated one appends nothing
local log = KEYS[1]
local meta = KEYS[2]
local ids = KEYS[3]
local sessions = KEYS[4]
local starts = KEYS[5]
local session = ARGV[1]
local id = ARGV[2]
local expected = tonumber(ARGV[3])
local ttl_ms = tonumber(ARGV[4])
local life_ms = tonumber(ARGV[5])
local max_turns = tonumber(ARGV[6])
local max_bytes = tonumber(ARGV[7])
local max_tokens = tonumber(ARGV[8])
local max_ids = tonumber(ARGV[9])
local born = ARGV[10]
local channel = ARGV[11]
-- INCLUDE mend
-- INCLUDE opening
-- INCLUDE renew
-- INCLUDE trim
local known, mended = known_of(log, meta, "version", "bytes", "tokens", "epoch")
if born ~= "" and born ~= known[1] and not mended then return { -2, 0, "", "" } end
local made = redis.call("ZSCORE", ids, id)
local version = tonumber(known[2] or 0)
if made then
  local _, at = opening(log, ids, id, version)
  return { at and 2 or 0, tonumber(made), known[5] or "", known[1] or "" }
end
if expected >= 0 and expected ~= version then return { -1, version, known[5] or "", known[1] or "" } end
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local created, epoch = known[1], known[5]
if not created then
  created, epoch = string.format("%.0f", now), time[1] .. time[2]
  -- Sessions end by themselves; a new one looks whether the oldest have: by one command, for mostly none has.
  local oldest, metas = redis.call("ZRANGE", sessions, 0, 7), {}
  for at, old in ipairs(oldest) do metas[at] = starts .. old .. ":meta" end
  if #oldest > 0 and redis.call("EXISTS", unpack(metas)) < #oldest then
    for at, old in ipairs(oldest) do
      if redis.call("EXISTS", metas[at]) == 0 then redis.call("ZREM", sessions, old) end
    end
  end
end
local bytes, tokens = tonumber(known[3] or 0), tonumber(known[4] or 0)
for i = 12, #ARGV do
  bytes, tokens = bytes + #ARGV[i], tokens + tonumber(string.match(ARGV[i], "^%d+"))
end
local count = #ARGV - 11
local kept = 0
-- A call takes a bounded number of operands from Lua.
for from = 12, #ARGV, 1000 do
  kept = redis.call("RPUSH", log, unpack(ARGV, from, math.min(#ARGV, from + 999)))
end
version = version + count
bytes, tokens = trim(log, kept, bytes, tokens, max_turns, max_bytes, max_tokens)
if known[1] then
  redis.call("HSET", meta, "version", version, "bytes", bytes, "tokens", tokens)
else
  redis.call("HSET", meta, "version", version, "bytes", bytes, "tokens", tokens, "created", created, "epoch", epoch)
end
redis.call("ZADD", ids, version, id)
local names = redis.call("ZCARD", ids)
if names > max_ids then redis.call("ZREMRANGEBYRANK", ids, 0, -max_ids - 1) end
local listed = redis.call("ZADD", sessions, now, session)
if life_ms > 0 then ttl_ms = math.max(1, math.min(ttl_ms, tonumber(created) + life_ms - now)) end
renew(log, meta, ids, sessions, ttl_ms, kept == count or names == 1 or listed == 1)
if channel ~= "" then redis.call("PUBLISH", channel, version) end
return { 1, version, epoch, created }
