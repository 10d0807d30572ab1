-- Takes a message back: one that waits at once, one that is handled as soon as its agent hears.
-- KEYS bus     start of the keys of the scope's agents
-- ARGV id      the message
-- REPLY its state now; "": there is none
-- SHAPE text
-- IDEMPOTENT
local bus = KEYS[1]
local id = ARGV[1]
-- INCLUDE mail
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local key = bus .. ":message:" .. id
local stored = redis.call("HMGET", key, "state", "to")
if not stored[1] then return "" end
if stored[1] == "accepted" then
  end_message(bus, id, "bounced", "cancelled", now)
  return "bounced"
end
if stored[1] == "delivered" then
  redis.call("HSET", key, "cancel", 1)
  redis.call("PUBLISH", bus .. ":to:" .. stored[2], "cancel " .. id)
end
return stored[1]
