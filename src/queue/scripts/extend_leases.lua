-- Says that a worker's jobs live, tells it which it should stop, and gives jobs back whose worker is gone, unless memory is full.
-- KEYS queue      start of the queue's keys
-- ARGV lease_ms   how long they live from now, > 0
-- ARGV held...    for each job: id, fence
-- REPLY for each job "running", "cancelling" or "lost"; behind them "more" when there are further jobs to give back, or that waited for others
-- SHAPE [(text)...]
local queue = KEYS[1]
local lease_ms = tonumber(ARGV[1])
-- INCLUDE jobs
-- INCLUDE ends
-- INCLUDE lapses
-- INCLUDE memory
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local full = is_full(queue)
local leases = queue .. ":leases"
local ids = {}
for at = 2, #ARGV, 2 do ids[#ids + 1] = ARGV[at] end
local held, states = read_jobs(queue, ids), {}
for at, id in ipairs(ids) do
  local job = held[id]
  states[at] = "lost"
  if is_held(job, ARGV[2 * at + 1]) then
    states[at] = job[STATE]
    redis.call("ZADD", leases, "XX", now + lease_ms, id)
  end
end
-- While memory is full a worker may live whose word was refused.
local more = not full and lapse(queue, now)
more = not full and settle_rest(queue, now) or more
note_ends(queue)
if more then states[#states + 1] = "more" end
return states
