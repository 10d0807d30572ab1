-- Says that an instance of an agent lives, how much it can do, and which messages it has; registers the agent with its first word.
-- KEYS bus          start of the keys of the scope's agents
-- ARGV agent        the agent
-- ARGV instance     one of its processes
-- ARGV lease_ms     how long it lives from now, > 0; 0: it leaves
-- ARGV capacity     messages that it handles at the same time, > 0
-- ARGV draining     1: it takes nothing more
-- ARGV card         what the agent says of itself, a record; "" when that was said
-- ARGV inbox_max    messages that may wait for it or be with it, > 0
-- ARGV grace_ms     after how long an agent that cannot be reached is gone, > 0
-- ARGV held...      for each message that it has: id, fence
-- REPLY { new, known, or dead: it had been declared so, then for each message held, cancelled or lost }
-- SHAPE ["new" | "known" | "dead", ("held" | "cancelled" | "lost")...]
local bus = KEYS[1]
local agent = ARGV[1]
local instance = ARGV[2]
local lease_ms = tonumber(ARGV[3])
local capacity = ARGV[4]
local draining = ARGV[5]
local card = ARGV[6]
local inbox_max = ARGV[7]
local grace_ms = tonumber(ARGV[8])
-- INCLUDE mail
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local key, instances, loads = bus .. ":agent:" .. agent, bus .. ":instances:" .. agent, bus .. ":loads:" .. agent
sweep(bus, now, grace_ms)
local standing = card ~= "" and "new" or redis.call("ZSCORE", instances, instance) and "known" or "dead"
local reply = { standing }
for at = 9, #ARGV, 2 do
  local stored = redis.call("HMGET", bus .. ":message:" .. ARGV[at], "fence", "state", "cancel")
  local state = "lost"
  if stored[1] == ARGV[at + 1] and stored[2] == "delivered" then
    state = stored[3] and "cancelled" or "held"
    redis.call("ZADD", bus .. ":held:" .. agent, "XX", now + lease_ms, ARGV[at])
  end
  reply[#reply + 1] = state
end
if lease_ms == 0 then
  redis.call("ZREM", instances, instance)
  redis.call("HDEL", loads, instance)
  if redis.call("ZCARD", instances) == 0 then
    -- It left in order: nothing to wait for.
    set_state(bus, agent, "gone", now)
    redis.call("ZREM", bus .. ":agents", agent)
    redis.call("PEXPIRE", key, AFTER_MS)
    for _, id in ipairs(redis.call("ZRANGE", bus .. ":inbox:" .. agent, 0, -1)) do end_message(bus, id, "bounced", "gone", now) end
  end
  return reply
end
if standing == "dead" then return reply end
redis.call("ZADD", instances, now + lease_ms, instance)
redis.call("HSET", loads, instance, draining .. " " .. capacity)
if card ~= "" then
  redis.call("HSET", key, "card", card, "inbox_max", inbox_max)
  redis.call("PERSIST", key)
end
redis.call("ZADD", bus .. ":agents", now + lease_ms, agent)
local open = false
local all = redis.call("HGETALL", loads)
for at = 1, #all, 2 do
  if not redis.call("ZSCORE", instances, all[at]) then
    redis.call("HDEL", loads, all[at])
  elseif string.sub(all[at + 1], 1, 1) == "0" then
    open = true
  end
end
set_state(bus, agent, open and "online" or "draining", now)
return reply
