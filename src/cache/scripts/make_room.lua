-- Makes room for an entry within the bounds of a cache, and writes down what it weighs. What is worth least goes first.
-- KEYS worth        zset of entry ids by what it is worth to keep them
-- KEYS stock        hash: id -> "bytes:saves:hits:partition"; "" -> bytes of all, "*" -> worth of what went last
-- KEYS ends         zset of entry ids by the time (ms) when they end
-- KEYS bodies       prefix of the entries' own keys; the script deletes prefix .. id, in the same slot
-- KEYS vectors      prefix of the vector sets; prefix .. partition is used
-- KEYS aliases      prefix of the aliases' keys; those of an evicted entry go with it
-- ARGV id           the entry's id
-- ARGV partition    of its question
-- ARGV bytes        what it takes, about, > 0
-- ARGV saves        what an answer from it saves, >= 0, in any unit
-- ARGV ttl_ms       its life, > 0
-- ARGV entries_max  entries that may be kept, > 0
-- ARGV bytes_max    bytes that they may take, > 0
-- ARGV sweep        ended entries to forget at most, and entries to evict, > 0
-- REPLY { "id|partition" of each evicted entry, ... }
-- SHAPE [(text)...]
-- IDEMPOTENT        the same entry replaces itself, and there is room for it by then
-- SOURCE            Cherkasova, "Improving WWW proxies performance with Greedy-Dual-Size-Frequency caching policy", 1998
local worth = KEYS[1]
local stock = KEYS[2]
local ends = KEYS[3]
local bodies = KEYS[4]
local vectors = KEYS[5]
local aliases = KEYS[6]
local id = ARGV[1]
local partition = ARGV[2]
local bytes = tonumber(ARGV[3])
local saves = tonumber(ARGV[4])
local ttl_ms = tonumber(ARGV[5])
local entries_max = tonumber(ARGV[6])
local bytes_max = tonumber(ARGV[7])
local sweep = tonumber(ARGV[8])
-- INCLUDE aliases
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function forget(old)
  local size, where = string.match(redis.call("HGET", stock, old) or "", "^(%d+):[^:]*:%d+:(.*)$")
  redis.call("ZREM", worth, old)
  redis.call("ZREM", ends, old)
  if size then
    redis.call("HINCRBY", stock, "", 0 - size)
    redis.call("HDEL", stock, old)
  end
  return where
end
forget(id)
for _, old in ipairs(redis.call("ZRANGEBYSCORE", ends, "-inf", now, "LIMIT", 0, sweep)) do forget(old) end
local evicted = {}
while #evicted < sweep do
  local all = tonumber(redis.call("HGET", stock, "") or 0)
  if redis.call("ZCARD", worth) < entries_max and all + bytes <= bytes_max then break end
  local least = redis.call("ZPOPMIN", worth)
  if #least == 0 then break end
  local where = forget(least[1])
  redis.call("UNLINK", bodies .. least[1])
  forget_aliases(aliases, least[1], where and vectors .. where)
  if where and redis.call("EXISTS", vectors .. where) == 1 then redis.call("VREM", vectors .. where, least[1]) end
  redis.call("HSET", stock, "*", least[2])
  evicted[#evicted + 1] = least[1] .. "|" .. (where or "")
end
local clock = tonumber(redis.call("HGET", stock, "*") or 0)
redis.call("HSET", stock, id, string.format("%d:%s:0:%s", bytes, ARGV[4], partition))
redis.call("HINCRBY", stock, "", bytes)
redis.call("ZADD", worth, clock + saves / bytes, id)
redis.call("ZADD", ends, now + ttl_ms, id)
for i = 1, 3 do
  if redis.call("PTTL", KEYS[i]) < ttl_ms then redis.call("PEXPIRE", KEYS[i], ttl_ms) end
end
return evicted
