-- Ends jobs of a worker and gives it new ones: by turns of the tenants, within each by priority and age.
-- KEYS queue      start of the queue's keys
-- ARGV lease_ms   how long a new job is the worker's unless it says that it lives, > 0
-- ARGV wanted     how many new jobs, >= 0
-- ARGV cap        how many of one tenant may run at once; 0: any number
-- ARGV waiter     who is told, or handed a job, when there is none now: worker and lease_ms with a space between; "": just told
-- ARGV ended...   for each ended job: id, fence, outcome (done, dead, retry, again: as retry but free, release: as it was), body, reason (of one that is done: "", or another word than completed for its event), delay_ms, parts of its output
-- REPLY { for each ended job its state now ("lost": it was not the worker's any more; "gap": its output lacks parts), { for each new job: id, fence, tenant, payload, attempts left, crashes left, made_ms, attempts in all }, ms until a delayed job is due (-1: none) }
local queue = KEYS[1]
local lease_ms = tonumber(ARGV[1])
local wanted = tonumber(ARGV[2])
local cap = tonumber(ARGV[3])
local waiter = ARGV[4]
-- INCLUDE jobs
-- INCLUDE ends
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local leases, delayed, ring = queue .. ":leases", queue .. ":delayed", queue .. ":ring"

local states, left_leases = {}, {}
for at = 5, #ARGV, 7 do
  local id, fence, outcome, body, reason, delay = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], tonumber(ARGV[at + 5])
  local job = queue .. ":job:" .. id
  local stored = read_job(queue, id)
  local state = stored[STATE]
  if stored[FENCE] ~= fence or (state ~= "running" and state ~= "cancelling") then
    state = "lost"
  elseif outcome ~= "release" and ARGV[at + 6] ~= "0" and stored[LOG] ~= fence .. ":" .. ARGV[at + 6] then
    state = "gap"
  else
    local tenant, left = stored[TENANT], tonumber(stored[LEFT])
    left_leases[#left_leases + 1] = id
    if state ~= "cancelling" and outcome == "release" then
      state = "waiting"
      make_ready(queue, id, tenant, stored[PLACE])
    elseif state ~= "cancelling" and (outcome == "again" or (outcome == "retry" and left > 1)) then
      if outcome == "retry" then redis.call("HINCRBY", job, "left", -1) end
      state = "delayed"
      redis.call("HSET", job, "state", state, "reason", reason)
      redis.call("ZADD", delayed, now + delay, id)
    else
      if state == "cancelling" then
        state, reason = "cancelled", "cancelled"
      else
        state = outcome == "done" and "done" or "dead"
      end
      finish(queue, id, stored, state, body, reason, now)
    end
    if cap > 0 then leave_running(queue, tenant, id) end
  end
  states[#states + 1] = state
end
if #left_leases > 0 then redis.call("ZREM", leases, unpack(left_leases)) end

local due = redis.call("ZRANGEBYSCORE", delayed, "-inf", now, "LIMIT", 0, LATER_MAX)
for _, id in ipairs(due) do
  redis.call("ZREM", delayed, id)
  local stored = redis.call("HMGET", queue .. ":job:" .. id, "tenant", "place")
  if stored[1] then make_ready(queue, id, stored[1], stored[2]) end
end

-- By the time, so that it grows also when another server takes over that has not heard of the last.
local jobs, leased, asked, fence = {}, {}, {}, nil
while #jobs < wanted * 8 do
  -- Whose turn it is takes as many as bring it behind the next one.
  local turn = redis.call("ZRANGE", ring, 0, 1, "WITHSCORES")
  local tenant = turn[1]
  if not tenant then break end
  local ready, running = queue .. ":ready:" .. tenant, queue .. ":running:" .. tenant
  local weight = tonumber(redis.call("HGET", queue .. ":weights", tenant) or 1)
  local many = wanted - #jobs / 8
  if turn[3] then many = math.min(many, math.floor((turn[4] - turn[2]) * weight) + 1) end
  if cap > 0 then many = math.min(many, cap - redis.call("SCARD", running)) end
  local popped = {}
  if many > 0 then popped = redis.call("ZPOPMIN", ready, many) end
  for at = 1, #popped, 2 do
    local id = popped[at]
    local job = queue .. ":job:" .. id
    local stored = redis.call("HMGET", job, "left", "lives", "made", "state", "of", "until")
    if stored[4] == "waiting" and stored[6] and tonumber(stored[6]) < now then
      finish(queue, id, read_job(queue, id), "dead", "", "expired", now)
    elseif stored[4] == "waiting" then
      fence = (fence or math.max(tonumber(redis.call("GET", queue .. ":fence") or 0), time[1] * 1000000 + time[2])) + 1
      redis.call("HSET", job, "state", "running", "fence", string.format("%.0f", fence))
      leased[#leased + 1] = now + lease_ms
      leased[#leased + 1] = id
      if cap > 0 then redis.call("SADD", running, id) end
      local n = #jobs
      jobs[n + 1], jobs[n + 2], jobs[n + 3] = id, string.format("%.0f", fence), tenant
      asked[#asked + 1] = queue .. ":in:" .. id
      jobs[n + 4] = ""
      jobs[n + 5], jobs[n + 6], jobs[n + 7], jobs[n + 8] = stored[1], stored[2], stored[3], stored[5]
    end
  end
  if #popped < 2 * math.max(1, many) then
    -- It has no more, or may not have more: it comes back with its next job, or when one of its jobs ends.
    redis.call("ZREM", ring, tenant)
  else
    redis.call("ZINCRBY", ring, many / weight, tenant)
  end
end
if #leased > 0 then
  for at, payload in ipairs(redis.call("MGET", unpack(asked))) do jobs[at * 8 - 4] = payload or "" end
  redis.call("ZADD", leases, unpack(leased))
  redis.call("SET", queue .. ":fence", string.format("%.0f", fence))
end
note_ends(queue)
local next_due = -1
if #jobs < wanted * 8 then
  redis.call("SET", queue .. ":idle", waiter, "PX", IDLE_MS)
  local first = redis.call("ZRANGE", delayed, 0, 0, "WITHSCORES")
  if first[2] then next_due = math.max(0, tonumber(first[2]) - now) end
end
return { states, jobs, next_due }
