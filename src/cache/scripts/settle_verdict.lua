-- Remembers a verdict on a pair of wordings, and what it cost.
-- KEYS verdicts     zset: "wording.wording" -> time (ms) when the verdict ends, times 8, plus 1 same, 2 different, 3 unsure, 4 being judged
-- KEYS budget       hash: day, micros -> what verdicts cost on that day; each -> what the last one did
-- ARGV pair         of wordings
-- ARGV code         1 same, 2 different, 3 unsure
-- ARGV ttl_ms       how long the verdict is remembered, > 0
-- ARGV verdicts_max verdicts that are remembered, > 0
-- ARGV micros       what it cost, in millionths, >= 0
-- ARGV aside        what was set aside for it, >= 0
-- REPLY how many verdicts are remembered
-- SHAPE integer
local verdicts = KEYS[1]
local budget = KEYS[2]
local pair = ARGV[1]
local code = tonumber(ARGV[2])
local ttl_ms = tonumber(ARGV[3])
local verdicts_max = tonumber(ARGV[4])
local micros = tonumber(ARGV[5])
local aside = tonumber(ARGV[6])
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call("ZADD", verdicts, (now + ttl_ms) * 8 + code, pair)
redis.call("ZREMRANGEBYSCORE", verdicts, "-inf", now * 8)
redis.call("ZREMRANGEBYRANK", verdicts, 0, -(verdicts_max + 1))
redis.call("PEXPIRE", verdicts, math.max(ttl_ms, redis.call("PTTL", verdicts)))
if micros > 0 or aside > 0 then
  local day = tostring(math.floor(now / 86400000))
  -- What was set aside yesterday is not given back today.
  if redis.call("HGET", budget, "day") ~= day then
    redis.call("HSET", budget, "day", day, "micros", 0)
    aside = 0
  end
  redis.call("HINCRBY", budget, "micros", micros - aside)
  if micros > 0 then redis.call("HSET", budget, "each", micros) end
  redis.call("PEXPIRE", budget, 172800000)
end
return redis.call("ZCARD", verdicts)
