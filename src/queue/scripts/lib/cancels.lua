-- INCLUDE ends
-- Cancels a job that no worker has. Tells whether it was one.
local function cancel_unheld(queue, id, job, now)
  local state = job[STATE]
  if state ~= "blocked" and state ~= "waiting" and state ~= "delayed" and state ~= "suspended" then return false end
  redis.call("ZREM", queue .. ":ready:" .. job[TENANT], id)
  redis.call("ZREM", queue .. ":delayed", id)
  finish(queue, id, job, "cancelled", "", "cancelled", now)
  note_ends(queue)
  return true
end
