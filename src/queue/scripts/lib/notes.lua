-- Notes of a job are one hash: `s:` and a step's name: record of its result; `g:` and a signal's: record of what came with it; `w:` and a
-- signal's: until when the job waits for it (ms); `begun`: a worker began the job and gave it back. A word of the line tells that there are any.
local BEGUN = "begun"

-- Notes something once. Tells whether there was room.
local function put_note(queue, id, job, field, value, most)
  local notes = queue .. ":notes:" .. id
  if redis.call("HEXISTS", notes, field) == 1 then return true end
  if redis.call("HLEN", notes) >= most then return false end
  redis.call("HSET", notes, field, value)
  if not string.find(job[FLAGS], NOTED, 1, true) then job[FLAGS] = job[FLAGS] .. NOTED end
  return true
end
