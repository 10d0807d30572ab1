-- Reads which upstreams' models are left alone, and for how long yet.
-- KEYS benched      zset: upstream and model -> when its time ends (ms)
-- ARGV most         how many are read, the longest first, > 0
-- REPLY upstream and model, and the milliseconds that are left, in turn; less than 1 for those that may be asked to see whether they are well
-- SHAPE [(text, integer)...]
local benched = KEYS[1]
local most = tonumber(ARGV[1])
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local reply = {}
local rows = redis.call("ZREVRANGE", benched, 0, most - 1, "WITHSCORES")
for at = 1, #rows, 2 do
  reply[at] = rows[at]
  reply[at + 1] = tonumber(rows[at + 1]) - now
end
return reply
