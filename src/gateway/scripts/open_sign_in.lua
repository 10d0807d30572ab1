-- Keeps a sign-in of the dashboard until its end, and ends the oldest ones beyond a bound.
-- KEYS sign_ins    zset: digest of a cookie -> when its sign-in ends (ms); each is a string beside it, under its digest
-- ARGV digest      SHA-256 of the cookie
-- ARGV record      its record
-- ARGV life_ms     how long it lives
-- ARGV sign_ins_max  sign-ins that are kept
-- REPLY how many were ended for want of room
-- SHAPE integer
-- IDEMPOTENT       the same sign-in is kept once
local sign_ins = KEYS[1]
local digest = ARGV[1]
local record = ARGV[2]
local life_ms = tonumber(ARGV[3])
local sign_ins_max = tonumber(ARGV[4])
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call("ZREMRANGEBYSCORE", sign_ins, "-inf", now)
redis.call("ZADD", sign_ins, now + life_ms, digest)
redis.call("SET", sign_ins .. ":" .. digest, record, "PX", life_ms)
redis.call("PEXPIRE", sign_ins, life_ms)
local over = math.min(redis.call("ZCARD", sign_ins) - sign_ins_max, 100)
if over <= 0 then return 0 end
local ended = redis.call("ZRANGE", sign_ins, 0, over - 1)
for _, one in ipairs(ended) do redis.call("DEL", sign_ins .. ":" .. one) end
redis.call("ZREMRANGEBYRANK", sign_ins, 0, over - 1)
return over
