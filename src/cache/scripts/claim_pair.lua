-- Walks pairs of wordings in order, and gives the first that was judged the same, or that its caller is to have judged, within the budget.
-- KEYS verdicts     zset: "wording.wording" -> time (ms) when the verdict ends, times 8, plus 1 same, 2 different, 3 unsure, 4 being judged
-- KEYS budget       hash: minute, calls -> verdicts asked for in that minute; day, micros -> what verdicts cost on that day; each -> what the last one did
-- ARGV lease_ms     how long the caller may take, > 0
-- ARGV per_minute   verdicts that may be asked for in one minute
-- ARGV day_micros   money that verdicts may cost in one day, in millionths; empty: no bound
-- ARGV pairs...     of wordings
-- REPLY { which pair, from 1, what, micros }: same | ask (with what was set aside for it) | busy (another one has it judged) | spent (over
--          budget) | none
-- SHAPE [integer, "same" | "busy" | "spent" | "ask" | "none", integer]
-- IDEMPOTENT        a claim that its caller never heard of ends with its lease: one verdict later, nothing wrong
local verdicts = KEYS[1]
local budget = KEYS[2]
local lease_ms = tonumber(ARGV[1])
local per_minute = tonumber(ARGV[2])
local day_micros = tonumber(ARGV[3])
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local first = 4
for i = first, #ARGV do
  local known = tonumber(redis.call("ZSCORE", verdicts, ARGV[i]) or 0)
  local code = known % 8
  if (known - code) / 8 <= now then code = 0 end
  if code == 1 then return { i - first + 1, "same", 0 } end
  if code == 4 then return { i - first + 1, "busy", 0 } end
  if code == 0 then
    local minute, day = tostring(math.floor(now / 60000)), tostring(math.floor(now / 86400000))
    if redis.call("HGET", budget, "minute") ~= minute then redis.call("HSET", budget, "minute", minute, "calls", 0) end
    if redis.call("HGET", budget, "day") ~= day then redis.call("HSET", budget, "day", day, "micros", 0) end
    redis.call("PEXPIRE", budget, 172800000)
    if tonumber(redis.call("HGET", budget, "calls")) >= per_minute then return { i - first + 1, "spent", 0 } end
    if day_micros and tonumber(redis.call("HGET", budget, "micros")) >= day_micros then return { i - first + 1, "spent", 0 } end
    redis.call("HINCRBY", budget, "calls", 1)
    -- What the last verdict cost is set aside for this one, so that those under way at once do not overdraw.
    local each = tonumber(redis.call("HGET", budget, "each") or 0)
    if each > 0 then redis.call("HINCRBY", budget, "micros", each) end
    redis.call("ZADD", verdicts, (now + lease_ms) * 8 + 4, ARGV[i])
    redis.call("PEXPIRE", verdicts, math.max(lease_ms, redis.call("PTTL", verdicts)))
    return { i - first + 1, "ask", each }
  end
end
return { 0, "none", 0 }
