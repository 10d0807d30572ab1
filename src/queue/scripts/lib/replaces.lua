local REPLACE = "="

-- Whether no worker ever had a job that waits. A signal may have come; whatever else is noted, a worker did.
local function is_fresh(queue, id, job)
  if job[REASON] ~= "" or job[LOG] ~= "" or job[LEFT] ~= job[OF] then return false end
  if job[STATE] ~= "waiting" and job[STATE] ~= "delayed" and job[STATE] ~= "blocked" then return false end
  if not string.find(job[FLAGS], NOTED, 1, true) then return true end
  for _, field in ipairs(redis.call("HKEYS", queue .. ":notes:" .. id)) do
    if string.sub(field, 1, 2) ~= "g:" then return false end
  end
  return true
end

-- Puts what is asked now in the place of what a job is asked that no worker ever had, and begins its delay and its wait for a worker anew. Tells whether it could.
local function replace_job(queue, tenant, id, new, payload, now)
  -- One that was put in this script is not written yet.
  note_puts(queue, tenant, true)
  local job = read_jobs(queue, { id })[id]
  if not job or not is_fresh(queue, id, job) then return false end
  redis.call("SET", queue .. ":body:" .. id, payload)
  local delay, before = tonumber(new[NEW_DELAY]), job[UNTIL]
  job[UNTIL] = wait_bound(new[WAIT], job[STATE] == "blocked", now + delay)
  if job[STATE] == "blocked" then
    job[DELAY] = delay
    write_job(queue, id, job)
  elseif delay > 0 then
    redis.call("ZREM", queue .. ":ready:" .. tenant, id)
    job[STATE] = "delayed"
    write_job(queue, id, job)
    redis.call("ZADD", queue .. ":delayed", now + delay, id)
  elseif job[STATE] == "delayed" then
    redis.call("ZREM", queue .. ":delayed", id)
    make_ready(queue, id, job)
  elseif job[UNTIL] ~= before then
    write_job(queue, id, job)
  end
  return true
end
