-- Makes a wording an alias of an entry: an exact key of it, and one more question in the index. An entry of the wording's own gives way.
-- KEYS target       string: the entry that the alias leads to
-- KEYS own          string: the entry of the wording's own, where it has one
-- KEYS aliases      prefix of the aliases' keys; the script writes prefix .. id
-- KEYS vectors      vector set of the partition's questions
-- KEYS subject      set of "id|partition": what is of one subject; the target's key when the wording is of none
-- KEYS worth        zset of entry ids by what it is worth to keep them
-- KEYS stock        hash: id -> "bytes:saves:hits:partition"; "" -> bytes of all
-- KEYS ends         zset of entry ids by the time (ms) when they end
-- KEYS epoch        string: how often something was invalidated, ":", when all was
-- KEYS forgotten    string: time (ms) when the wording's subject was forgotten last; the epoch's key when the wording is of none
-- ARGV id           of the wording
-- ARGV entry        id of the entry
-- ARGV digest       SHA-1 of the entry that was judged, in hexadecimal: another one gets no alias
-- ARGV record       the alias
-- ARGV partition    of the wording, where it is of a subject; else empty
-- ARGV vector       little-endian float32 of the wording, or empty: exact tier only
-- ARGV quantisation of the vector set: Q8 or BIN
-- ARGV links        of the graph for each question, > 0
-- ARGV aliases_max  aliases that one entry may have, > 0
-- ARGV bytes        what the alias takes, about
-- ARGV bytes_max    bytes that the cache may take; empty: no bound
-- ARGV asked_ms     time (ms) when the wording was asked, earlier where clocks may differ; a later forgetting of its subject ends it
-- REPLY made | ended (the entry is another one by now, or none; it was cleared; the subject was forgotten) | full
-- SHAPE "made" | "ended" | "full"
-- IDEMPOTENT        the same alias replaces itself
local target = KEYS[1]
local own = KEYS[2]
local aliases = KEYS[3]
local vectors = KEYS[4]
local subject = KEYS[5]
local worth = KEYS[6]
local stock = KEYS[7]
local ends = KEYS[8]
local epoch = KEYS[9]
local forgotten = KEYS[10]
local id = ARGV[1]
local entry = ARGV[2]
local digest = ARGV[3]
local record = ARGV[4]
local partition = ARGV[5]
local vector = ARGV[6]
local quantisation = ARGV[7]
local links = ARGV[8]
local aliases_max = tonumber(ARGV[9])
local bytes = tonumber(ARGV[10])
local bytes_max = tonumber(ARGV[11])
local asked_ms = tonumber(ARGV[12])
-- INCLUDE aliases
-- INCLUDE relay/outlive
local body = redis.call("GET", target)
local life_ms = redis.call("PTTL", target)
if not body or life_ms <= 0 or id == entry or redis.sha1hex(body) ~= digest then return "ended" end
local all = tonumber(string.match(redis.call("GET", epoch) or "", ":(%d+)$"))
if all and all > tonumber(string.match(body, "^%d+") or 0) then return "ended" end
if partition ~= "" and (tonumber(redis.call("GET", forgotten) or 0) or 0) >= asked_ms then return "ended" end
local of = aliases .. "of:" .. entry
-- A wording that others are aliases of stays an entry: they would lose theirs.
if redis.call("SCARD", aliases .. "of:" .. id) > 0 then return "full" end
if redis.call("SISMEMBER", of, id) == 0 and redis.call("SCARD", of) >= aliases_max then return "full" end
local size, rest = string.match(redis.call("HGET", stock, entry) or "", "^(%d+)(:.*)$")
if size and redis.call("GET", aliases .. id) == false then
  local all = tonumber(redis.call("HGET", stock, "") or 0)
  if bytes_max and all + bytes > bytes_max then return "full" end
  redis.call("HSET", stock, entry, (tonumber(size) + bytes) .. rest)
  redis.call("HINCRBY", stock, "", bytes)
end
forget_alias(aliases, id)
if redis.call("UNLINK", own) == 1 then
  local taken = string.match(redis.call("HGET", stock, id) or "", "^(%d+):")
  if taken then
    redis.call("HINCRBY", stock, "", 0 - taken)
    redis.call("HDEL", stock, id)
  end
  redis.call("ZREM", worth, id)
  redis.call("ZREM", ends, id)
end
redis.call("SET", aliases .. id, entry .. ":" .. record, "PX", life_ms)
redis.call("SADD", of, id)
redis.call("PEXPIRE", of, life_ms)
if partition ~= "" then
  redis.call("SADD", subject, id .. "|" .. partition)
  outlive(subject, life_ms)
end
if vector ~= "" then
  redis.call("VADD", vectors, "FP32", vector, id, quantisation, "EF", 64, "M", links)
  outlive(vectors, life_ms)
end
return "made"
