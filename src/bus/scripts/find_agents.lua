-- Agents of a scope as they are now.
-- KEYS bus         start of the keys of the scope's agents
-- ARGV grace_ms    after how long an agent that cannot be reached is gone, > 0
-- ARGV offset      how many are passed over, >= 0
-- ARGV limit       how many are looked at, > 0
-- ARGV name        the only agent that is looked at; "" for all
-- REPLY for each: name, state, since_ms, record of the card, load (messages that wait for it or are with it, for each that its open instances can do at once; at most 1), how many instances
-- SHAPE [(any)...]
local bus = KEYS[1]
local grace_ms = tonumber(ARGV[1])
local offset = tonumber(ARGV[2])
local limit = tonumber(ARGV[3])
local name = ARGV[4]
-- INCLUDE mail
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
sweep(bus, now, grace_ms)
local reply = {}
local agents
if name == "" then
  agents = redis.call("ZRANGE", bus .. ":agents", offset, offset + limit - 1)
else
  -- One by its name is found without a look at any other.
  agents = redis.call("ZSCORE", bus .. ":agents", name) and { name } or {}
end
for _, agent in ipairs(agents) do
  -- An agent of which a key has another type hides no other.
  local stored = redis.pcall("HMGET", bus .. ":agent:" .. agent, "state", "since", "card")
  local loads = redis.pcall("HVALS", bus .. ":loads:" .. agent)
  local instances = redis.pcall("ZCARD", bus .. ":instances:" .. agent)
  if stored.err or loads.err or type(instances) == "table" then stored, loads, instances = {}, {}, 0 end
  local room = 0
  for _, said in ipairs(loads) do
    local draining, capacity = string.match(said, "^(%d) (.*)$")
    if draining == "0" then room = room + (tonumber(capacity) or 0) end
  end
  local busy = redis.call("ZCARD", bus .. ":held:" .. agent) + redis.call("ZCARD", bus .. ":inbox:" .. agent)
  local load = room > 0 and math.min(1, busy / room) or 1
  for _, word in ipairs({ agent, stored[1] or "", stored[2] or "", stored[3] or "", tostring(load), instances }) do
    reply[#reply + 1] = word
  end
end
return reply
