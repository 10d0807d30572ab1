-- Gives a sender the endpoints that have something due, each to one sender at a time, with what is due there.
-- KEYS queue      start of the queue's keys
-- ARGV lease_ms   how long an endpoint is the sender's, > 0
-- ARGV limit      how many endpoints, > 0
-- ARGV batch      how many deliveries of each, > 0; one of those that want order or fail
-- REPLY for each endpoint: tenant/endpoint, turn, record, and a list of message, event, job, made_ms, attempts so far for each delivery
-- SHAPE [(text, integer, text, [(any)...])...]
local queue = KEYS[1]
local lease_ms = tonumber(ARGV[1])
local limit = tonumber(ARGV[2])
local batch = tonumber(ARGV[3])
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local outbox = queue .. ":outbox"
local reply = {}
for _, member in ipairs(redis.call("ZRANGEBYSCORE", outbox, "-inf", now, "LIMIT", 0, limit)) do
  local tenant, endpoint = string.match(member, "^(.*)/(.*)$")
  local record = redis.call("HGET", queue .. ":endpoints:" .. tenant, endpoint)
  local circuit, line = queue .. ":circuit:" .. endpoint, queue .. ":line:" .. endpoint
  local stored = redis.call("HMGET", circuit, "off", "until", "fails", "ordered", "busy")
  if not record or stored[1] then
    redis.call("ZREM", outbox, member)
  elseif math.max(tonumber(stored[2] or 0), tonumber(stored[5] or 0)) > now then
    redis.call("ZADD", outbox, math.max(tonumber(stored[2] or 0), tonumber(stored[5] or 0)), member)
  else
    local careful = tonumber(stored[3] or 0) > 0 or stored[4] == "1"
    local due = redis.call("ZRANGEBYSCORE", line, "-inf", now + 1, "LIMIT", 0, careful and 1 or batch)
    local list = {}
    for _, message in ipairs(due) do
      local delivery = redis.call("HMGET", queue .. ":delivery:" .. endpoint .. ":" .. message, "event", "job", "made", "attempts")
      if delivery[1] then
        list[#list + 1] = message
        for at = 1, 4 do list[#list + 1] = delivery[at] end
      else
        redis.call("ZREM", line, message)
      end
    end
    if #list > 0 then
      redis.call("ZADD", outbox, now + lease_ms, member)
      redis.call("HSET", circuit, "busy", now + lease_ms)
      for _, word in ipairs({ member, redis.call("HINCRBY", circuit, "turn", 1), record, list }) do reply[#reply + 1] = word end
    else
      local head = redis.call("ZRANGE", line, 0, 0, "WITHSCORES")
      if head[2] then redis.call("ZADD", outbox, head[2], member) else redis.call("ZREM", outbox, member) end
    end
  end
end
return reply
