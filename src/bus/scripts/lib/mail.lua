-- All that agents of a scope share begins with one name, which bears the hash tag. Agents: "agent:" (card, state), "instances:" (by the end of
-- their lease), "loads:"; all agents by when they are looked at again: "agents". Messages: "message:", waiting in "inbox:", with an agent in
-- "held:", all that are on their way by their deadline: "deadlines". What a call tree may still use: "tree:"; its messages: "tree:" and ":messages"; trees of several messages by their time: "trees".
local SWEEP_MAX = 20
local PRESENCE_MAX = 1000
local AFTER_MS = 3600000
local LATE_MAX = 100

-- An agent's new state is told once, when it changes.
local function set_state(bus, agent, state, now)
  local key = bus .. ":agent:" .. agent
  if redis.call("HGET", key, "state") == state then return end
  redis.call("HSET", key, "state", state, "since", now)
  redis.call("PUBLISH", bus .. ":presence", agent .. " " .. state .. " " .. string.format("%.0f", now))
  redis.call("XADD", bus .. ":presences", "MAXLEN", "~", PRESENCE_MAX, "*", "agent", agent, "state", state)
end

-- Ends a message, and tells whoever waits for it.
local function end_message(bus, id, state, reason, now)
  local key = bus .. ":message:" .. id
  local stored = redis.call("HMGET", key, "to", "tell")
  redis.call("HSET", key, "state", state, "reason", reason, "ended", now)
  redis.call("PEXPIRE", key, AFTER_MS)
  redis.call("ZREM", bus .. ":deadlines", id)
  if stored[1] then
    redis.call("ZREM", bus .. ":inbox:" .. stored[1], id)
    redis.call("ZREM", bus .. ":held:" .. stored[1], id)
  end
  if redis.call("EXISTS", bus .. ":stream:" .. id) == 1 then redis.call("PEXPIRE", bus .. ":stream:" .. id, AFTER_MS) end
  if stored[2] and stored[2] ~= "" then redis.call("PUBLISH", bus .. ":from:" .. stored[2], id) end
end

-- Looks after what time has changed: messages whose deadline has passed, agents whose lease has ended.
-- A key of another type, which would stop the mail of all agents, begins anew.
local function anew(key, wanted)
  local type = redis.call("TYPE", key).ok
  if type ~= "none" and type ~= wanted then redis.call("DEL", key) end
end

local function sweep(bus, now, grace_ms)
  for _, id in ipairs(redis.call("ZRANGEBYSCORE", bus .. ":deadlines", "-inf", now, "LIMIT", 0, SWEEP_MAX)) do
    end_message(bus, id, "expired", "deadline", now)
  end
  for _, agent in ipairs(redis.call("ZRANGEBYSCORE", bus .. ":agents", "-inf", now, "LIMIT", 0, SWEEP_MAX)) do
    local instances = bus .. ":instances:" .. agent
    anew(bus .. ":agent:" .. agent, "hash")
    for _, part in ipairs({ ":instances:", ":inbox:", ":held:" }) do anew(bus .. part .. agent, "zset") end
    redis.call("ZREMRANGEBYSCORE", instances, "-inf", now)
    local last = redis.call("ZRANGE", instances, -1, -1, "WITHSCORES")[2]
    if last then
      redis.call("ZADD", bus .. ":agents", last, agent)
    elseif redis.call("HGET", bus .. ":agent:" .. agent, "state") ~= "unreachable" then
      set_state(bus, agent, "unreachable", now)
      redis.call("ZADD", bus .. ":agents", now + grace_ms, agent)
    else
      set_state(bus, agent, "gone", now)
      redis.call("ZREM", bus .. ":agents", agent)
      redis.call("PEXPIRE", bus .. ":agent:" .. agent, AFTER_MS)
      redis.call("DEL", instances, bus .. ":loads:" .. agent)
      for _, id in ipairs(redis.call("ZRANGE", bus .. ":inbox:" .. agent, 0, -1)) do end_message(bus, id, "bounced", "gone", now) end
      for _, id in ipairs(redis.call("ZRANGE", bus .. ":held:" .. agent, 0, -1)) do end_message(bus, id, "bounced", "gone", now) end
    end
  end
end
