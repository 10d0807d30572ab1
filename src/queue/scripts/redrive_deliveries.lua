-- Sends deliveries of an endpoint again, those named or all that failed in a time, or one of a test.
-- KEYS queue      start of the queue's keys
-- ARGV tenant     whose endpoint
-- ARGV endpoint   the endpoint
-- ARGV test       an event to be sent as a test; "": none
-- ARGV from_ms    failed ones made since, ms since 1970
-- ARGV to_ms      and until
-- ARGV only...    messages, whatever became of them; none: the failed ones of the time
-- REPLY messages that are sent again; of a test its own, none when there is no room for it; false when the tenant has no such endpoint
-- SHAPE [(text)...] | nil
local queue = KEYS[1]
local tenant = ARGV[1]
local endpoint = ARGV[2]
local test = ARGV[3]
local from_ms = tonumber(ARGV[4])
local to_ms = tonumber(ARGV[5])
-- INCLUDE outbox
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call("HEXISTS", queue .. ":endpoints:" .. tenant, endpoint) == 0 then return false end
if test ~= "" then
  if not put_delivery(queue, tenant, endpoint, test, "test", now) then return {} end
  return redis.call("ZRANGE", queue .. ":deliveries:" .. endpoint, -1, -1)
end
local only, sent = {}, {}
for at = 6, #ARGV do only[#only + 1] = ARGV[at] end
local named = #only > 0
if not named then only = redis.call("ZRANGE", queue .. ":deliveries:" .. endpoint, 0, -1) end
for _, message in ipairs(only) do
  local delivery = queue .. ":delivery:" .. endpoint .. ":" .. message
  local stored = redis.call("HMGET", delivery, "state", "made")
  local made = tonumber(stored[2] or 0)
  if stored[1] and (named or (stored[1] == "failed" and made >= from_ms and made <= to_ms)) then
    redis.call("HSET", delivery, "state", "pending", "attempts", 0)
    redis.call("PEXPIRE", delivery, DELIVERY_LIFE_MS)
    redis.call("ZADD", queue .. ":line:" .. endpoint, now, message)
    sent[#sent + 1] = message
  end
end
if #sent > 0 then
  redis.call("HDEL", queue .. ":circuit:" .. endpoint, "fails", "until")
  redis.call("ZADD", queue .. ":outbox", now, tenant .. "/" .. endpoint)
  redis.call("PUBLISH", queue .. ":posted", "1")
end
return sent
