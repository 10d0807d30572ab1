-- Puts a message into an agent's inbox, if the call tree that it belongs to may still do that; otherwise it bounces.
-- KEYS bus            start of the keys of the scope's agents
-- ARGV id             the message
-- ARGV from           who sends it: an agent, or "" for someone who is none
-- ARGV to             the agent
-- ARGV body           a record
-- ARGV ttl_ms         how long it may take, > 0; never beyond what it answers to
-- ARGV parent         the message in whose handling it is sent; "": it begins a call tree
-- ARGV hops_max       of a new tree: how deep it may go
-- ARGV visits_max     of a new tree: how often one agent may be on one path
-- ARGV fan_out_max    of a new tree: messages in all
-- ARGV tokens         of a new tree: what it may use; -1: no bound
-- ARGV cost           of a new tree: the same in millionths; -1: no bound
-- ARGV uses_tokens    what this message is given of it, >= 0
-- ARGV uses_cost      the same in millionths, >= 0
-- ARGV tell           who is told of its end: a channel's end; "": nobody
-- ARGV signature      "": none
-- ARGV grace_ms       after how long an agent that cannot be reached is gone, > 0
-- REPLY { state, reason, tree, deadline_ms, hops, path, made_ms }: accepted or bounced, or of an id that is there what became of it
-- SHAPE [text, text, any, any, any, any, any]
-- IDEMPOTENT an id that is there is not sent again
local bus = KEYS[1]
local id = ARGV[1]
local from = ARGV[2]
local to = ARGV[3]
local body = ARGV[4]
local ttl_ms = tonumber(ARGV[5])
local parent = ARGV[6]
local hops_max = ARGV[7]
local visits_max = ARGV[8]
local fan_out_max = ARGV[9]
local tokens = ARGV[10]
local cost = ARGV[11]
local uses_tokens = tonumber(ARGV[12])
local uses_cost = tonumber(ARGV[13])
local tell = ARGV[14]
local signature = ARGV[15]
local grace_ms = tonumber(ARGV[16])
-- INCLUDE mail
local TREE_MESSAGES_MAX = 500
local TREES_MAX = 200
local TREES_KEPT_MS = 86400000
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
sweep(bus, now, grace_ms)
local key = bus .. ":message:" .. id
local known = redis.call("HMGET", key, "state", "reason", "tree", "deadline", "hops", "path", "made")
if known[1] then
  known[2] = known[2] or ""
  return known
end
local tree, hops, path, deadline, reason = id, 0, to, now + ttl_ms, ""
if parent ~= "" then
  local above = redis.call("HMGET", bus .. ":message:" .. parent, "tree", "hops", "path", "deadline")
  if above[1] then
    tree, hops, path, deadline = above[1], above[2] + 1, above[3] .. " " .. to, math.min(deadline, tonumber(above[4]))
  else
    reason = "deadline"
  end
end
local tree_key = bus .. ":tree:" .. tree
local limits
if tree == id then
  limits = { hops_max, visits_max, fan_out_max, tokens, cost, from }
else
  limits = redis.call("HMGET", tree_key, "hops_max", "visits_max", "fan_out", "tokens", "cost", "origin")
end
if reason == "" then
  local visits = 0
  for agent in string.gmatch(path, "%S+") do
    if agent == to then visits = visits + 1 end
  end
  local stored = redis.call("HMGET", bus .. ":agent:" .. to, "state", "inbox_max")
  if not limits[1] or deadline <= now then
    reason = "deadline"
  elseif hops > tonumber(limits[1]) then
    reason = "hops"
  elseif visits > tonumber(limits[2]) then
    reason = "loop"
  elseif tonumber(limits[3]) < 1 then
    reason = "fan_out"
  elseif (tonumber(limits[4]) >= 0 and uses_tokens > tonumber(limits[4])) or (tonumber(limits[5]) >= 0 and uses_cost > tonumber(limits[5])) then
    reason = "budget"
  elseif stored[1] == "draining" then
    reason = "draining"
  elseif stored[1] ~= "online" then
    reason = "absent"
  elseif redis.call("ZCARD", bus .. ":inbox:" .. to) + redis.call("ZCARD", bus .. ":held:" .. to) >= tonumber(stored[2]) then
    reason = "full"
  end
end
redis.call("HSET", key, "from", from, "to", to, "tree", tree, "hops", hops, "path", path, "made", now, "deadline", string.format("%.0f", deadline))
-- Who looks at a call tree finds its messages here. A message that leads to no other one is no tree, and costs nothing.
if tree ~= id then
  redis.call("HSET", key, "parent", parent)
  local messages = tree_key .. ":messages"
  local count = redis.call("RPUSH", messages, id)
  if count > TREE_MESSAGES_MAX then redis.call("RPOP", messages) end
  redis.call("PEXPIRE", messages, math.max(0, math.floor(deadline - now)) + AFTER_MS)
  if count == 1 then
    redis.call("ZADD", bus .. ":trees", now, tree)
    redis.call("ZREMRANGEBYRANK", bus .. ":trees", 0, -TREES_MAX - 1)
    redis.call("PEXPIRE", bus .. ":trees", TREES_KEPT_MS)
  end
end
if reason ~= "" then
  redis.call("HSET", key, "state", "bounced", "reason", reason, "ended", now)
  redis.call("PEXPIRE", key, AFTER_MS)
  -- Whoever began the tree hears of it as well.
  local origin = limits[6]
  if tree ~= id and origin and origin ~= "" and origin ~= from and redis.call("HGET", bus .. ":agent:" .. origin, "state") == "online" then
    local notice = bus .. ":message:" .. id .. "-bounce"
    redis.call("HSET", notice, "from", "", "to", origin, "tree", tree, "hops", hops, "path", path, "made", now, "deadline", string.format("%.0f", deadline),
      "state", "accepted", "bounce", reason .. " " .. id)
    redis.call("PEXPIRE", notice, AFTER_MS)
    redis.call("ZADD", bus .. ":inbox:" .. origin, redis.call("INCR", bus .. ":seq"), id .. "-bounce")
    redis.call("PUBLISH", bus .. ":to:" .. origin, "1")
  end
  return { "bounced", reason, tree, string.format("%.0f", deadline), hops, path, now }
end
if tree == id then
  redis.call("HSET", tree_key, "hops_max", hops_max, "visits_max", visits_max, "fan_out", fan_out_max, "tokens", tokens, "cost", cost, "origin", from)
  redis.call("PEXPIRE", tree_key, ttl_ms + AFTER_MS)
end
redis.call("HINCRBY", tree_key, "fan_out", -1)
if tonumber(limits[4]) >= 0 and uses_tokens > 0 then redis.call("HINCRBY", tree_key, "tokens", -uses_tokens) end
if tonumber(limits[5]) >= 0 and uses_cost > 0 then redis.call("HINCRBY", tree_key, "cost", -uses_cost) end
redis.call("HSET", key, "state", "accepted", "body", body, "tell", tell, "parent", parent, "tokens", uses_tokens, "cost", uses_cost)
if signature ~= "" then redis.call("HSET", key, "signature", signature) end
redis.call("PEXPIRE", key, math.floor(deadline - now) + AFTER_MS)
redis.call("ZADD", bus .. ":deadlines", deadline, id)
redis.call("ZADD", bus .. ":inbox:" .. to, redis.call("INCR", bus .. ":seq"), id)
redis.call("PUBLISH", bus .. ":to:" .. to, "1")
return { "accepted", "", tree, string.format("%.0f", deadline), hops, path, now }
