-- Signals that a job waits for and steps that it did, at most: the bound of the worker and of who signals.
local WAITS_MAX = 2000

-- Lets a job give its place back until one of some signals comes, or the time for one is over; one that came meanwhile lets it go on.
-- waits: signals and for how long, in ms, with spaces between.
local function suspend(queue, id, job, waits, now)
  local notes, first = queue .. ":notes:" .. id, nil
  for signal, delay in string.gmatch(waits, "(%S+) (%d+)") do
    put_note(queue, id, job, "w:" .. signal, string.format("%d", now + delay), WAITS_MAX)
    local deadline = tonumber(redis.call("HGET", notes, "w:" .. signal) or now)
    if redis.call("HEXISTS", notes, "g:" .. signal) == 1 then deadline = now end
    first = math.min(first or deadline, deadline)
  end
  if not first or first <= now then return make_ready(queue, id, job) end
  job[STATE], job[FENCE] = "suspended", ""
  write_job(queue, id, job)
  redis.call("ZADD", queue .. ":delayed", string.format("%d", first), id)
end
