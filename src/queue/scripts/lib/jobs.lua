-- INCLUDE words
-- Lua hands over about 8,000 values in one call.
local CALL_MAX = 4000

local UNREADABLE = "unreadable"
local STATES = { blocked = 1, waiting = 1, delayed = 1, suspended = 1, running = 1, cancelling = 1, done = 1, dead = 1, cancelled = 1 }

-- A job of its line. One that cannot be read is in no state that any script looks for, and no tenant's: `bury` ends it.
local function read_line(line)
  local job = { string.match(line, LINE) }
  if STATES[job[STATE]] then return job end
  return { UNREADABLE, "", "", "", "in", "", "", "0", "0", "0", "", "0", "0", "0", "0", "", "0", "0", "", line = line }
end

-- Jobs by id; those that are not there are not among them. Any number of ids.
local function read_jobs(queue, ids)
  local jobs = {}
  for first = 1, #ids, CALL_MAX do
    local keys = {}
    for at = first, math.min(#ids, first + CALL_MAX - 1) do keys[#keys + 1] = queue .. ":job:" .. ids[at] end
    for at, line in ipairs(redis.call("MGET", unpack(keys))) do
      if line then jobs[ids[first + at - 1]] = read_line(line) end
    end
  end
  return jobs
end

local function write_job(queue, id, job)
  redis.call("SET", queue .. ":job:" .. id, table.concat(job, " "))
end

-- Whether a job is the worker's that was given it with this fence.
local function is_held(job, fence)
  return job and job[FENCE] == fence and (job[STATE] == "running" or job[STATE] == "cancelling")
end

-- Tells waiting workers that there is something to do.
local function wake(queue)
  if redis.call("DEL", queue .. ":idle") == 1 then redis.call("PUBLISH", queue .. ":wake", "1") end
end

-- Lets a tenant that has work take its turn among the others, no later than the one whose turn it is. Tells whether it was not among them.
-- A worker waits only while nobody is. A paused tenant takes no turns.
local function enter_ring(queue, tenant)
  if redis.call("SISMEMBER", queue .. ":paused", tenant) == 1 then return false end
  local first = redis.call("ZRANGE", queue .. ":ring", 0, 0, "WITHSCORES")
  return redis.call("ZADD", queue .. ":ring", "NX", first[2] or 0, tenant) == 1
end

-- A job that waits for no other one any more leaves the lists of those that do. How long its idempotency key is known counts from when it is
-- due: in delay ms.
local function unblock(queue, tenant, id, delay)
  redis.call("ZREM", queue .. ":blocked", id)
  redis.call("ZREM", queue .. ":blocked:" .. tenant, id)
  local known_ms, key = string.match(redis.call("GETDEL", queue .. ":keyed:" .. id) or "", "^(%d+) (.+)$")
  if not key then return end
  local idem = queue .. ":idem:" .. tenant .. ":" .. key
  if string.match(redis.call("GET", idem) or "", "^%S+") == id then redis.call("PEXPIRE", idem, known_ms + delay) end
end

-- Puts a job where the next turn of its tenant finds it.
local function make_ready(queue, id, job)
  if job[STATE] == "blocked" then unblock(queue, job[TENANT], id, 0) end
  job[STATE], job[FENCE] = "waiting", ""
  write_job(queue, id, job)
  if redis.call("ZADD", queue .. ":ready:" .. job[TENANT], job[PLACE], id) == 1 and enter_ring(queue, job[TENANT]) then wake(queue) end
end
