-- Gives an instance of an agent messages of its inbox, those of dead instances first.
-- KEYS bus             start of the keys of the scope's agents
-- ARGV agent           the agent
-- ARGV lease_ms        how long a message is the instance's unless it says that it lives, > 0
-- ARGV wanted          how many, > 0
-- ARGV deliveries_max  how often a message may be delivered, > 0
-- ARGV grace_ms        after how long an agent that cannot be reached is gone, > 0
-- REPLY for each: id, fence, deliveries so far, and a list of the message's fields
-- SHAPE [(text, text, integer, [(text, text)...])...]
local bus = KEYS[1]
local agent = ARGV[1]
local lease_ms = tonumber(ARGV[2])
local wanted = tonumber(ARGV[3])
local deliveries_max = tonumber(ARGV[4])
local grace_ms = tonumber(ARGV[5])
-- INCLUDE mail
-- INCLUDE relay/fence
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
sweep(bus, now, grace_ms)
local held = bus .. ":held:" .. agent
local reply = {}
local function give(id)
  local key = bus .. ":message:" .. id
  local stored = redis.call("HMGET", key, "state", "deliveries")
  if stored[1] ~= "accepted" and stored[1] ~= "delivered" then
    redis.call("ZREM", held, id)
    return
  end
  local before = tonumber(stored[2] or 0)
  if before >= deliveries_max then return end_message(bus, id, "bounced", "crashed", now) end
  local fence = next_fence(bus, time)
  redis.call("HSET", key, "state", "delivered", "fence", fence, "deliveries", before + 1, "delivered", now)
  redis.call("ZADD", held, now + lease_ms, id)
  for _, word in ipairs({ id, fence, before, redis.call("HGETALL", key) }) do reply[#reply + 1] = word end
end
for _, id in ipairs(redis.call("ZRANGEBYSCORE", held, "-inf", now, "LIMIT", 0, wanted)) do give(id) end
while #reply < wanted * 4 do
  local popped = redis.call("ZPOPMIN", bus .. ":inbox:" .. agent, 1)
  if not popped[1] then break end
  give(popped[1])
end
return reply
