-- INCLUDE new_line
-- INCLUDE blocks
-- Jobs that were put and are not written yet, and those of them that wait.
local puts, readied = {}, {}

-- Writes down the jobs of one tenant that were put: last of all, and before jobs are read. first: none of its jobs waited.
local function note_puts(queue, tenant, first)
  if #puts == 0 then return end
  redis.call("MSET", unpack(puts))
  if #readied > 0 then
    redis.call("ZADD", queue .. ":ready:" .. tenant, unpack(readied))
    if first then enter_ring(queue, tenant) end
  end
  puts, readied = {}, {}
end

-- Puts a new job; waits: for how many others it waits.
local function put_job(queue, tenant, new, payload, waits, now, seq)
  local id, at, last = new[ID], #puts, #readied
  local line, state, place = new_line(tenant, new, waits, now, seq)
  puts[at + 1], puts[at + 2], puts[at + 3], puts[at + 4] = queue .. ":job:" .. id, line, queue .. ":body:" .. id, payload
  if state == "blocked" then list_blocked(queue, tenant, id, string.format("%.3f", now + (seq % 1000) / 1000)) end
  if state == "delayed" then redis.call("ZADD", queue .. ":delayed", now + new[NEW_DELAY], id) end
  if state == "waiting" then readied[last + 1], readied[last + 2] = place, id end
end
