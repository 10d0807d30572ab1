-- Gives dead jobs another go, oldest first. One that depends on others goes when these are done, or go again as well: then behind them.
-- KEYS queue      start of the queue's keys
-- ARGV tenant     whose jobs
-- ARGV attempts   attempts and crashes that they may use again, > 0
-- ARGV limit      how many are looked at, > 0
-- ARGV only...    ids; none: any of the tenant's
-- REPLY ids that go again; what of them has lost its payload (it ended with its life) does not, nor what depends on a job that stays dead
-- SHAPE [(text)...]
local queue = KEYS[1]
local tenant = ARGV[1]
local attempts = ARGV[2]
local limit = tonumber(ARGV[3])
-- INCLUDE jobs
-- INCLUDE blocks
local function is_over(job) return job[STATE] == "dead" or job[STATE] == "cancelled" end
local ids = {}
for at = 4, #ARGV do ids[#ids + 1] = ARGV[at] end
if #ids == 0 then
  ids = redis.call("ZRANGE", queue .. ":dead:" .. tenant, 0, limit - 1)
  -- What died under 0.1 is in the set of all tenants only.
  if #ids == 0 then ids = redis.call("ZRANGE", queue .. ":dead", 0, limit - 1) end
end
-- Those that may go, and for each dead job that does not: what depends on it.
local going, order, behind, over = {}, {}, {}, {}
local jobs = read_jobs(queue, ids)
for _, id in ipairs(ids) do
  local job = jobs[id]
  if not job then
    redis.call("ZREM", queue .. ":dead", id)
    redis.call("ZREM", queue .. ":dead:" .. tenant, id)
  elseif job[TENANT] == tenant and job[STATE] == "dead" and redis.call("EXISTS", queue .. ":body:" .. id) == 1 and not going[id] then
    going[id], order[#order + 1] = job, id
  end
end
local afters = {}
for _, id in ipairs(order) do
  afters[id] = ids_in(redis.call("GET", queue .. ":after:" .. id) or "")
  local others = read_jobs(queue, afters[id])
  for _, other in ipairs(afters[id]) do
    if going[other] then
      behind[other] = behind[other] or {}
      table.insert(behind[other], id)
    elseif others[other] and is_over(others[other]) or not others[other] and going[id][REASON] == "dependency" then
      over[#over + 1] = id
    end
  end
end
local at = 1
while over[at] do
  local id = over[at]
  if going[id] then
    going[id] = nil
    for _, child in ipairs(behind[id] or {}) do over[#over + 1] = child end
  end
  at = at + 1
end
-- None of them is dead any more before one is put behind another.
local again = {}
for _, id in ipairs(order) do
  local job = going[id]
  if job then
    redis.call("ZREM", queue .. ":dead", id)
    redis.call("ZREM", queue .. ":dead:" .. tenant, id)
    redis.call("DEL", queue .. ":log:" .. id)
    for _, part in ipairs({ ":body:", ":tries:", ":after:", ":notes:" }) do redis.call("PERSIST", queue .. part .. id) end
    job[STATE], job[ENDED], job[LOG], job[WAITS], job[UNTIL] = "blocked", "", "", 0, ""
    job[LEFT], job[OF], job[LIVES] = attempts, attempts, attempts
    write_job(queue, id, job)
    again[#again + 1] = id
  end
end
for _, id in ipairs(again) do
  local waits = block(queue, tenant, id, afters[id])
  local job = read_jobs(queue, { id })[id]
  if waits and waits > 0 then
    job[WAITS] = waits + DEPENDENT
    write_job(queue, id, job)
    list_blocked(queue, tenant, id, job[MADE])
  else
    make_ready(queue, id, job)
  end
end
return again
