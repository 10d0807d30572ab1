-- Gives dead jobs another go, oldest first.
-- KEYS queue      start of the queue's keys
-- ARGV tenant     whose jobs
-- ARGV attempts   attempts and crashes that they may use again, > 0
-- ARGV limit      how many are looked at, > 0
-- ARGV only...    ids; none: any of the tenant's
-- REPLY ids that go again; what of them has lost its payload (it ended with its life) does not
local queue = KEYS[1]
local tenant = ARGV[1]
local attempts = ARGV[2]
local limit = tonumber(ARGV[3])
-- INCLUDE jobs
local ids = {}
for at = 4, #ARGV do ids[#ids + 1] = ARGV[at] end
if #ids == 0 then ids = redis.call("ZRANGE", queue .. ":dead", 0, limit - 1) end
local again = {}
for _, id in ipairs(ids) do
  local job = queue .. ":job:" .. id
  local stored = read_job(queue, id)
  if not stored[TENANT] then
    redis.call("ZREM", queue .. ":dead", id)
  elseif stored[TENANT] == tenant and stored[STATE] == "dead" and redis.call("PERSIST", queue .. ":in:" .. id) == 1 then
    redis.call("ZREM", queue .. ":dead", id)
    redis.call("PERSIST", job)
    redis.call("HDEL", job, "ended", "log", "waits", "until")
    redis.call("HSET", job, "left", attempts, "of", attempts, "lives", attempts)
    redis.call("DEL", queue .. ":log:" .. id, queue .. ":out:" .. id)
    make_ready(queue, id, tenant, stored[PLACE])
    again[#again + 1] = id
  end
end
if #again > 0 then wake(queue) end
return again
