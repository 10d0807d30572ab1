-- Forgets answers of one subject, a few at a time, with their questions in the index and what they weigh.
-- KEYS subject      set of "id|partition": what is of the subject
-- KEYS bodies       prefix of the entries' own keys; the script deletes prefix .. id, in the same slot
-- KEYS vectors      prefix of the vector sets; prefix .. partition is used
-- KEYS worth        zset of entry ids by what it is worth to keep them
-- KEYS stock        hash: id -> "bytes:saves:hits:partition"; "" -> bytes of all
-- KEYS ends         zset of entry ids by the time (ms) when they end
-- KEYS aliases      prefix of the aliases' keys; those of the forgotten entries, and of the subject's wordings, go with them
-- KEYS forgotten    string: time (ms) when the subject was forgotten last
-- ARGV count        how many at most, > 0
-- ARGV kept_ms      how long that is remembered, > 0
-- REPLY { how many were looked at, how many were there, what was looked at ... }
-- SHAPE [integer, integer, (text)...]
local subject = KEYS[1]
local bodies = KEYS[2]
local vectors = KEYS[3]
local worth = KEYS[4]
local stock = KEYS[5]
local ends = KEYS[6]
local aliases = KEYS[7]
local forgotten = KEYS[8]
local count = tonumber(ARGV[1])
local kept_ms = ARGV[2]
-- INCLUDE aliases
local time = redis.call("TIME")
redis.call("SET", forgotten, string.format("%.0f", time[1] * 1000 + math.floor(time[2] / 1000)), "PX", kept_ms)
local members = redis.call("SPOP", subject, count)
local answers = 0
for _, member in ipairs(members) do
  local id, partition = string.match(member, "^([^|]+)|(.+)$")
  forget_alias(aliases, id)
  forget_aliases(aliases, id, vectors .. partition)
  answers = answers + redis.call("UNLINK", bodies .. id)
  if redis.call("EXISTS", vectors .. partition) == 1 then redis.call("VREM", vectors .. partition, id) end
  local size = string.match(redis.call("HGET", stock, id) or "", "^(%d+):")
  if size then
    redis.call("HINCRBY", stock, "", 0 - size)
    redis.call("HDEL", stock, id)
    redis.call("ZREM", worth, id)
    redis.call("ZREM", ends, id)
  end
end
return { #members, answers, unpack(members) }
