-- INCLUDE ends
-- Cancels a job that no worker has. Tells whether it was one.
local function cancel_unheld(queue, id, stored, now)
  local state = stored[STATE]
  if state ~= "blocked" and state ~= "waiting" and state ~= "delayed" then return false end
  redis.call("ZREM", queue .. ":ready:" .. stored[TENANT], id)
  redis.call("ZREM", queue .. ":delayed", id)
  finish(queue, id, stored, "cancelled", "", "cancelled", now)
  note_ends(queue)
  return true
end
