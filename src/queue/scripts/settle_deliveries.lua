-- Writes down what came of deliveries to one endpoint, and when it has its next.
-- KEYS queue       start of the queue's keys
-- ARGV member      tenant/endpoint
-- ARGV turn        the turn that they were given in; of another turn only what was delivered counts
-- ARGV settled...  for each: message, outcome (delivered, retry, failed, gone), delay_ms, status, error, took_ms
-- REPLY ms until the endpoint has something due (-1: nothing)
-- SHAPE integer
local queue = KEYS[1]
local member = ARGV[1]
local turn = ARGV[2]
local TRIP = 5
-- INCLUDE memory
-- What was delivered is known also while memory is full: else it would be sent again.
is_full(queue)
local OPEN_MS = 30000
local OPEN_LONGEST_MS = 3600000
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local tenant, endpoint = string.match(member, "^(.*)/(.*)$")
local circuit, line = queue .. ":circuit:" .. endpoint, queue .. ":line:" .. endpoint
local stored = redis.call("HMGET", circuit, "turn", "fails", "ordered")
-- It was taken away meanwhile.
if not stored[3] then return -1 end
local own, fails, ordered = stored[1] == turn, tonumber(stored[2] or 0), stored[3] == "1"
local before = fails
local held, off = 0, false
for at = 3, #ARGV, 6 do
  local message, outcome, delay = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  if own or outcome == "delivered" then
    local delivery = queue .. ":delivery:" .. endpoint .. ":" .. message
    local state = (outcome == "retry" or outcome == "gone") and "pending" or outcome
    if redis.call("EXISTS", delivery) == 1 then
      redis.call("HINCRBY", delivery, "attempts", 1)
      redis.call("HSET", delivery, "state", state, "status", ARGV[at + 3], "error", ARGV[at + 4], "took", ARGV[at + 5], "last", now)
    end
    if outcome == "delivered" then
      fails = 0
    else
      fails = fails + 1
    end
    if outcome == "delivered" or outcome == "failed" then
      redis.call("ZREM", line, message)
    elseif outcome == "gone" then
      off = true
    elseif ordered then
      held = now + delay
    else
      redis.call("ZADD", line, "XX", now + delay, message)
    end
  end
end
if not own then return -1 end
-- Those that were sent at once failed at once: they are no proof that a short pause is not enough.
fails = math.min(fails, math.max(TRIP, before + 1))
redis.call("HDEL", circuit, "busy")
if off then
  -- What waits stays in its line, and what comes is put there, for when the endpoint is switched on again.
  redis.call("HSET", circuit, "off", "gone")
  redis.call("ZREM", queue .. ":outbox", member)
  return -1
end
if fails >= TRIP then held = math.max(held, now + math.min(OPEN_LONGEST_MS, OPEN_MS * 2 ^ math.min(10, fails - TRIP))) end
redis.call("HSET", circuit, "fails", fails, "until", held)
local head = redis.call("ZRANGE", line, 0, 0, "WITHSCORES")
if not head[2] then
  redis.call("ZREM", queue .. ":outbox", member)
  return -1
end
local due = math.max(held, tonumber(head[2]))
redis.call("ZADD", queue .. ":outbox", due, member)
return math.max(0, math.ceil(due - now))
