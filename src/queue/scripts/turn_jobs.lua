-- Ends jobs of a worker and gives it new ones: by turns of the tenants, within each by priority and age. While memory is full it gives none.
-- KEYS queue      start of the queue's keys
-- ARGV lease_ms   how long a new job is the worker's unless it says that it lives, > 0
-- ARGV wanted     how many new jobs, >= 0
-- ARGV cap        how many of one tenant may run at once; 0: any number
-- ARGV waiter     who is told, or handed a job, when there is none now: worker and lease_ms with a space between; "1": just told; "": nobody
-- ARGV ended...   for each ended job its words and its body (of a failed attempt: its message). Words: id, fence, outcome (done, dead, retry, again: as retry but free, release: as it was, with a delay_ms of 1 when it was begun, wait: until one of the signals that its body names comes, or the time behind it in ms is over), delay_ms, parts of its output, reason (of one that is done: empty, or another word than completed for its event)
-- REPLY { for each ended job that was not ended: its place among them from 1, "lost" (it was not the worker's any more) or "gap" (its output lacks parts) }, { for each new job: id, line, payload }, ms until there is more to do, such as a delayed job (-1: not known)
-- SHAPE [[(integer, "lost" | "gap")...], [(text, text, text)...], integer]
local queue = KEYS[1]
local lease_ms = tonumber(ARGV[1])
local wanted = tonumber(ARGV[2])
local cap = tonumber(ARGV[3])
local waiter = ARGV[4]
-- INCLUDE jobs
-- INCLUDE relay/fence
-- INCLUDE ends
-- INCLUDE notes
-- INCLUDE suspends
-- INCLUDE takes
-- INCLUDE memory
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- While memory is full jobs end, and none is given out: its result would need more.
local full = is_full(queue)
local leases, delayed, ring = queue .. ":leases", queue .. ":delayed", queue .. ":ring"

local ids = {}
for at = 5, #ARGV, 2 do ids[#ids + 1] = string.match(ARGV[at], "^%S+") end
local held, wrong, left_leases = read_jobs(queue, ids), {}, {}
for at, id in ipairs(ids) do
  local fence, outcome, delay, parts, reason = string.match(ARGV[2 * at + 3], " (%d+) (%l+) (%d+) (%d+) (%S*)$")
  local job = held[id]
  if not is_held(job, fence) then
    wrong[#wrong + 1], wrong[#wrong + 2] = at, "lost"
  elseif outcome ~= "release" and parts ~= "0" and job[LOG] ~= fence .. ":" .. parts then
    wrong[#wrong + 1], wrong[#wrong + 2] = at, "gap"
  else
    left_leases[#left_leases + 1] = id
    local body = ARGV[2 * at + 4]
    if job[STATE] == "cancelling" then
      finish(queue, id, job, "cancelled", outcome == "done" and body or "", "cancelled", now)
    elseif outcome == "release" then
      if delay ~= "0" then put_note(queue, id, job, BEGUN, "1", WAITS_MAX) end
      make_ready(queue, id, job)
    elseif outcome == "wait" then
      suspend(queue, id, job, reason == "" and body or reason .. " " .. delay, now)
    elseif outcome == "again" or (outcome == "retry" and job[LEFT] ~= "1") then
      if outcome == "retry" then
        note_try(queue, id, job, reason, body, now)
        job[LEFT] = job[LEFT] - 1
      end
      job[STATE], job[REASON] = "delayed", reason
      write_job(queue, id, job)
      redis.call("ZADD", delayed, now + delay, id)
    elseif outcome == "done" then
      finish(queue, id, job, "done", body, reason, now)
    else
      note_try(queue, id, job, reason, body, now)
      finish(queue, id, job, "dead", "", reason, now)
    end
    if cap > 0 then leave_running(queue, job[TENANT], id) end
  end
end
if #left_leases > 0 then redis.call("ZREM", leases, unpack(left_leases)) end

if not full then ripen(queue, now) end

-- Mostly there is neither a pause nor anything left.
local halted, more = full, false
if redis.call("EXISTS", queue .. ":halted", queue .. ":over") > 0 then
  more = not full and settle_rest(queue, now)
  halted = full or redis.call("EXISTS", queue .. ":halted") == 1
end
if halted then wanted = 0 end
local taken = new_taken(lease_ms)
while taken.count < wanted do
  -- Whose turn it is takes as many as bring it behind the next one.
  local turn = redis.call("ZRANGE", ring, 0, 1, "WITHSCORES")
  local tenant, alone = turn[1], not turn[3]
  if not tenant then break end
  local running, weight = queue .. ":running:" .. tenant, 1
  local many = wanted - taken.count
  if not alone then
    weight = tonumber(redis.call("HGET", queue .. ":weights", tenant) or 1)
    many = math.min(many, math.floor((turn[4] - turn[2]) * weight) + 1)
  end
  if cap > 0 then many = math.min(many, cap - redis.call("SCARD", running)) end
  local popped = take_ready(queue, time, now, tenant, many, cap > 0 and running, taken)
  if popped < math.max(1, many) then
    -- It has no more, or may not have more: it comes back with its next job, or when one of its jobs ends.
    redis.call("ZREM", ring, tenant)
    if cap > 0 then redis.call("SADD", queue .. ":bound", tenant) end
  elseif not alone then
    redis.call("ZINCRBY", ring, many / weight, tenant)
  end
end
note_taken(queue, taken)
note_ends(queue)
local next_due = -1
if not halted and taken.count < wanted then
  if waiter ~= "" then redis.call("SET", queue .. ":idle", waiter, "PX", IDLE_MS) end
  local first = redis.call("ZRANGE", delayed, 0, 0, "WITHSCORES")
  if first[2] then next_due = math.max(0, tonumber(first[2]) - now) end
end
if more then next_due = 0 end
return { wrong, taken.jobs, next_due }
