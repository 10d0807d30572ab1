-- Notes that entries of one partition were served: they are worth more by it, and may live longer.
-- KEYS bodies       prefix of the entries' own keys; the script renews prefix .. id, in the same slot
-- KEYS vectors      vector set of the partition's questions
-- KEYS worth        zset of entry ids by what it is worth to keep them
-- KEYS stock        hash: id -> "bytes:saves:hits:partition"; "*" -> worth of what went last
-- KEYS ends         zset of entry ids by the time (ms) when they end
-- KEYS aliases      prefix of the aliases' keys: they live as long as their entry
-- ARGV served...    for each entry its id, how often it was served, and its life from now on (ms), 0: as it is; three values
-- REPLY how many live longer now
-- SHAPE integer
local bodies = KEYS[1]
local vectors = KEYS[2]
local worth = KEYS[3]
local stock = KEYS[4]
local ends = KEYS[5]
local aliases = KEYS[6]
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local clock = tonumber(redis.call("HGET", stock, "*") or 0)
local longest, renewed = 0, 0
for i = 1, #ARGV, 3 do
  local id, served, ttl_ms = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local left = redis.call("PTTL", bodies .. id)
  if left > 0 then
    if ttl_ms > left then
      redis.call("PEXPIRE", bodies .. id, ttl_ms)
      local wordings = redis.call("SMEMBERS", aliases .. "of:" .. id)
      if #wordings > 0 then redis.call("PEXPIRE", aliases .. "of:" .. id, ttl_ms) end
      for _, wording in ipairs(wordings) do redis.call("PEXPIRE", aliases .. wording, ttl_ms) end
      redis.call("ZADD", ends, "XX", "GT", now + ttl_ms, id)
      longest = math.max(longest, ttl_ms)
      renewed = renewed + 1
    end
    local bytes, saves, hits, where = string.match(redis.call("HGET", stock, id) or "", "^(%d+):([^:]*):(%d+):(.*)$")
    if bytes then
      hits = hits + served
      redis.call("HSET", stock, id, string.format("%s:%s:%d:%s", bytes, saves, hits, where))
      redis.call("ZADD", worth, "XX", clock + (hits + 1) * saves / bytes, id)
    end
  end
end
for i = 2, 5 do
  local left = redis.call("PTTL", KEYS[i])
  if left >= 0 and left < longest then redis.call("PEXPIRE", KEYS[i], longest) end
end
return renewed
