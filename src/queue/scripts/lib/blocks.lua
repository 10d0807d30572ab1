-- What the count of jobs that a job waits for has beside it when there ever were any, so that its end knows: 2.5, 1.5, 0.5.
local DEPENDENT = 0.5

-- How long a job may wait for others before its idempotency key is forgotten.
local LIFE_MAX_MS = 31622400000

local function ids_in(list)
  local ids = {}
  for id in string.gmatch(list, "[^,]+") do ids[#ids + 1] = id end
  return ids
end

-- Lists a job among those that wait for others, those that were put first in front.
local function list_blocked(queue, tenant, id, now)
  redis.call("ZADD", queue .. ":blocked", now, id)
  redis.call("ZADD", queue .. ":blocked:" .. tenant, now, id)
end

-- Makes a job wait for others that are not done, and answers how many; nil when one of them is none of the tenant's or will never be done.
-- fresh: each of the others must be there; else one that is gone counts as done.
local function block(queue, tenant, id, others, fresh)
  local jobs = read_jobs(queue, others)
  for _, other in ipairs(others) do
    local job = jobs[other]
    if not job and fresh or job and (job[TENANT] ~= tenant or job[STATE] == "dead" or job[STATE] == "cancelled") then return nil end
  end
  local waits = 0
  for other, job in pairs(jobs) do
    if job[STATE] ~= "done" then
      redis.call("SADD", queue .. ":next:" .. other, id)
      waits = waits + 1
      if not string.find(job[FLAGS], NEEDED, 1, true) then
        job[FLAGS] = job[FLAGS] .. NEEDED
        write_job(queue, other, job)
      end
    end
  end
  return waits
end
