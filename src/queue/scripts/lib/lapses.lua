-- Gives jobs back whose worker is gone, some at a time; what crashed too often is dead. Tells whether there may be more.
local function lapse(queue, now)
  local leases = queue .. ":leases"
  local over = redis.call("ZRANGEBYSCORE", leases, "-inf", now, "LIMIT", 0, LATER_MAX)
  if #over > 0 then redis.call("ZREM", leases, unpack(over)) end
  for id, job in pairs(read_jobs(queue, over)) do
    if job[STATE] == UNREADABLE then
      bury(queue, id, job.line, nil, now)
    elseif job[STATE] == "cancelling" then
      finish(queue, id, job, "cancelled", "", "cancelled", now)
    elseif job[STATE] ~= "running" then
      -- It ended because its line could not be read.
    elseif job[LIVES] ~= "1" then
      note_try(queue, id, job, "crashed", "", now)
      job[LIVES] = job[LIVES] - 1
      make_ready(queue, id, job)
    else
      note_try(queue, id, job, "crashed", "", now)
      finish(queue, id, job, "dead", "", "crashed", now)
    end
    leave_running(queue, job[TENANT], id)
  end
  return #over == LATER_MAX
end
