-- Ends a message that an agent had, or gives it back.
-- KEYS bus        start of the keys of the scope's agents
-- ARGV agent      the agent
-- ARGV id         the message
-- ARGV fence      that it was given with
-- ARGV outcome    handled, bounced, or release: another instance may have it
-- ARGV reason     why it bounced
-- ARGV message    what its handler's error said; "": nothing
-- ARGV reply      a record; "": none
-- ARGV tokens     what of its budget was not used, given back, >= 0
-- ARGV cost       the same in millionths, >= 0
-- REPLY its state now; lost: it was not the instance's any more, late: whoever asked had given up
-- SHAPE text
local bus = KEYS[1]
local agent = ARGV[1]
local id = ARGV[2]
local fence = ARGV[3]
local outcome = ARGV[4]
local reason = ARGV[5]
local message = ARGV[6]
local reply = ARGV[7]
local tokens = tonumber(ARGV[8])
local cost = tonumber(ARGV[9])
-- INCLUDE mail
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local key = bus .. ":message:" .. id
local stored = redis.call("HMGET", key, "fence", "state", "from", "tree", "deadline")
if stored[1] ~= fence then return "lost" end
local tree = bus .. ":tree:" .. (stored[4] or "")
if tokens > 0 and tonumber(redis.call("HGET", tree, "tokens") or -1) >= 0 then redis.call("HINCRBY", tree, "tokens", tokens) end
if cost > 0 and tonumber(redis.call("HGET", tree, "cost") or -1) >= 0 then redis.call("HINCRBY", tree, "cost", cost) end
local state = stored[2]
if state == "delivered" and outcome ~= "release" and tonumber(stored[5]) <= now then
  end_message(bus, id, "expired", "deadline", now)
  state = "expired"
end
if state ~= "delivered" then
  -- Its deadline passed, or it was cancelled: what it answers is kept aside.
  if outcome == "handled" and reply ~= "" then
    redis.call("HSET", key, "late", reply)
    if stored[3] and stored[3] ~= "" then
      local list = bus .. ":late:" .. stored[3]
      redis.call("LPUSH", list, id)
      redis.call("LTRIM", list, 0, LATE_MAX - 1)
      redis.call("PEXPIRE", list, AFTER_MS)
    end
  end
  return "late"
end
if outcome == "release" then
  redis.call("HSET", key, "state", "accepted")
  redis.call("HINCRBY", key, "deliveries", -1)
  redis.call("ZREM", bus .. ":held:" .. agent, id)
  redis.call("ZADD", bus .. ":inbox:" .. agent, 0, id)
  redis.call("PUBLISH", bus .. ":to:" .. agent, "1")
  return "accepted"
end
if reply ~= "" then redis.call("HSET", key, "reply", reply) end
if message ~= "" then redis.call("HSET", key, "message", message) end
end_message(bus, id, outcome, reason, now)
return outcome
