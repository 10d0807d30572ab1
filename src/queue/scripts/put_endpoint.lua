-- Puts an endpoint of webhooks, changes it as it is by then, or takes it away with all that waits for it.
-- KEYS queue     start of the queue's keys
-- ARGV tenant    whose it is
-- ARGV id        the endpoint
-- ARGV before    the record that is changed; "" for a new one; "*" for whatever there is
-- ARGV record    the new record; "" to take it away
-- ARGV events    "*", or the events it hears, each between commas
-- ARGV enabled   0: it is switched off; its events are kept until it is switched on
-- ARGV ordered   1: one delivery after the other
-- ARGV room      how many the tenant may have, > 0
-- REPLY 1 when done, 0 when it was another record or none, -1 when there is no room
-- SHAPE -1 | 0 | 1
local queue = KEYS[1]
local tenant = ARGV[1]
local id = ARGV[2]
local before = ARGV[3]
local record = ARGV[4]
local events = ARGV[5]
local enabled = tonumber(ARGV[6])
local ordered = ARGV[7]
local room = tonumber(ARGV[8])
local endpoints, hooks, circuit = queue .. ":endpoints:" .. tenant, queue .. ":hooks:" .. tenant, queue .. ":circuit:" .. id
local member = tenant .. "/" .. id
local there = redis.call("HGET", endpoints, id)
if before ~= "*" and (there or "") ~= before then return 0 end
if record == "" then
  if not there then return 0 end
  redis.call("HDEL", endpoints, id)
  redis.call("HDEL", hooks, id)
  redis.call("ZREM", queue .. ":outbox", member)
  redis.call("DEL", circuit, queue .. ":line:" .. id, queue .. ":deliveries:" .. id)
  return 1
end
if not there and redis.call("HLEN", endpoints) >= room then return -1 end
redis.call("HSET", endpoints, id, record)
redis.call("HSET", circuit, "ordered", ordered)
redis.call("HSET", hooks, id, events)
if enabled == 0 then
  redis.call("HSET", circuit, "off", "user")
else
  -- Switched on again, it begins anew with what waits.
  if redis.call("HDEL", circuit, "off") == 1 then
    redis.call("HDEL", circuit, "fails", "until")
    if redis.call("EXISTS", queue .. ":line:" .. id) == 1 then redis.call("ZADD", queue .. ":outbox", 0, member) end
  end
end
return 1
