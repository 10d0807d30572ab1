-- Lets jobs go whose time has come.
local function ripen(queue, now)
  local delayed = queue .. ":delayed"
  local ripe = redis.call("ZRANGEBYSCORE", delayed, "-inf", now, "LIMIT", 0, LATER_MAX)
  if #ripe == 0 then return end
  redis.call("ZREM", delayed, unpack(ripe))
  for id, job in pairs(read_jobs(queue, ripe)) do
    if job[STATE] == UNREADABLE then bury(queue, id, job.line, nil, now) else make_ready(queue, id, job) end
  end
end

-- Jobs that one script gives out: flat lists of id, line and payload, of keys and lines, of lease ends and ids.
local function new_taken(lease_ms) return { jobs = {}, lines = {}, leased = {}, count = 0, lease_ms = lease_ms } end

-- Gives out up to so many waiting jobs of a tenant; running: the set of those that it has running, where that is counted. Answers how many
-- left the line, those that waited too long among them.
local function take_ready(queue, time, now, tenant, many, running, taken)
  if many <= 0 then return 0 end
  local popped, keys = redis.call("ZPOPMIN", queue .. ":ready:" .. tenant, many), {}
  for at = 1, #popped, 2 do keys[at], keys[at + 1] = queue .. ":job:" .. popped[at], queue .. ":body:" .. popped[at] end
  local found = #keys > 0 and redis.call("MGET", unpack(keys)) or keys
  local jobs, lines, leased = taken.jobs, taken.lines, taken.leased
  for at = 1, #popped, 2 do
    local id = popped[at]
    local line = found[at]
    -- State and an empty fence come first; the last word says until when it waits for its first worker, which most do not.
    if line and string.find(line, READY) then
      local due = string.sub(line, -1) ~= " " and string.match(line, " (%d+)$")
      if due and tonumber(due) < now then
        finish(queue, id, { string.match(line, LINE) }, "dead", "", "expired", now)
      else
        taken.fence = taken.fence or next_fence(queue, time)
        local n = 2 * taken.count
        line = "running " .. taken.fence .. string.sub(line, 9, due and -#due - 1 or -1)
        lines[n + 1], lines[n + 2] = keys[at], line
        leased[n + 1], leased[n + 2] = now + taken.lease_ms, id
        if running then redis.call("SADD", running, id) end
        n = 3 * taken.count
        jobs[n + 1], jobs[n + 2], jobs[n + 3] = id, line, found[at + 1] or ""
        taken.count = taken.count + 1
      end
    elseif line and read_line(line)[STATE] == UNREADABLE then
      bury(queue, id, line, tenant, now)
    end
  end
  return #popped / 2
end

-- Writes down what was given out.
local function note_taken(queue, taken)
  if taken.count == 0 then return end
  redis.call("MSET", unpack(taken.lines))
  redis.call("ZADD", queue .. ":leases", unpack(taken.leased))
end
