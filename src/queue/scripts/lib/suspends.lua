-- Signals that a job waits for and steps that it did, at most: the bound of the worker and of who signals.
local WAITS_MAX = 2000

-- Lets a job give its place back until a signal comes, or its time is over; one that came meanwhile lets it go on.
local function suspend(queue, id, job, signal, delay, now)
  put_note(queue, id, job, "w:" .. signal, string.format("%d", now + delay), WAITS_MAX)
  local notes = queue .. ":notes:" .. id
  local deadline = tonumber(redis.call("HGET", notes, "w:" .. signal) or now)
  if redis.call("HEXISTS", notes, "g:" .. signal) == 1 or deadline <= now then return make_ready(queue, id, job) end
  job[STATE], job[FENCE] = "suspended", ""
  write_job(queue, id, job)
  redis.call("ZADD", queue .. ":delayed", string.format("%d", deadline), id)
end
