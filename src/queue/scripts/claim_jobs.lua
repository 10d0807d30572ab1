-- Gives out jobs of one tenant by place, and looks after what time has changed: for workers that come by a gateway. Nothing while memory is full.
-- KEYS queue      start of the queue's keys
-- ARGV tenant     whose jobs
-- ARGV lease_ms   how long they are the worker's unless it says that it lives, > 0
-- ARGV wanted     how many, > 0
-- REPLY for each job: id, line, payload
-- SHAPE [(text, text, text)...]
local queue = KEYS[1]
local tenant = ARGV[1]
local lease_ms = tonumber(ARGV[2])
local wanted = tonumber(ARGV[3])
-- INCLUDE jobs
-- INCLUDE relay/fence
-- INCLUDE ends
-- INCLUDE takes
-- INCLUDE lapses
-- INCLUDE memory
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if is_full(queue) then return {} end
lapse(queue, now)
settle_rest(queue, now)
ripen(queue, now)
local taken = new_taken(lease_ms)
local held_back = redis.call("EXISTS", queue .. ":halted") == 1 or redis.call("SISMEMBER", queue .. ":paused", tenant) == 1
if not held_back then take_ready(queue, time, now, tenant, wanted, false, taken) end
note_taken(queue, taken)
note_ends(queue)
-- Pushes tell whoever waits, unless another worker is to be handed the next job.
if taken.count == 0 and not held_back then redis.call("SET", queue .. ":idle", "1", "NX", "PX", IDLE_MS) end
return taken.jobs
