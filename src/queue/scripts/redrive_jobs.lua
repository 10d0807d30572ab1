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
local jobs = read_jobs(queue, ids)
for _, id in ipairs(ids) do
  local job = jobs[id]
  if not job then
    redis.call("ZREM", queue .. ":dead", id)
  elseif job[TENANT] == tenant and job[STATE] == "dead" and redis.call("PERSIST", queue .. ":body:" .. id) == 1 then
    redis.call("ZREM", queue .. ":dead", id)
    redis.call("DEL", queue .. ":log:" .. id)
    job[ENDED], job[LOG], job[WAITS], job[UNTIL] = "", "", 0, ""
    job[LEFT], job[OF], job[LIVES] = attempts, attempts, attempts
    make_ready(queue, id, job)
    again[#again + 1] = id
  end
end
return again
