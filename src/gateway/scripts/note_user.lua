-- Notes that a key speaks for a user; a key brings a bounded number of users that it did not speak for lately.
-- KEYS users        zset: user -> when the key last spoke for it (ms)
-- KEYS fresh        string: how many new ones it brought in the present window
-- ARGV user         the user
-- ARGV known_ms     how long a user is known, > 0
-- ARGV window_ms    the window that new ones are counted in, > 0
-- ARGV fresh_max    new ones in a window at most, >= 0
-- ARGV users_max    known ones at most, > 0
-- REPLY { "noted", 0 }; or { "refused", milliseconds until the key may bring another one }
-- SHAPE ["noted" | "refused", integer]
local users = KEYS[1]
local fresh = KEYS[2]
local user = ARGV[1]
local known_ms = tonumber(ARGV[2])
local window_ms = tonumber(ARGV[3])
local fresh_max = tonumber(ARGV[4])
local users_max = tonumber(ARGV[5])
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local seen = tonumber(redis.call("ZSCORE", users, user) or "0")
if seen <= now - known_ms then
  redis.call("ZREMRANGEBYSCORE", users, "-inf", now - known_ms)
  if redis.call("ZCARD", users) >= users_max then
    local oldest = redis.call("ZRANGE", users, 0, 0, "WITHSCORES")[2]
    return { "refused", math.max(1, tonumber(oldest) + known_ms - now) }
  end
  local count = tonumber(redis.call("GET", fresh) or "0")
  if count >= fresh_max then
    return { "refused", math.max(1, redis.call("PTTL", fresh)) }
  end
  redis.call("INCR", fresh)
  if count == 0 then redis.call("PEXPIRE", fresh, window_ms) end
end
redis.call("ZADD", users, now, user)
redis.call("PEXPIRE", users, known_ms)
return { "noted", 0 }
