-- What a job in a worker's hand has noted: results of its steps, signals that came, until when it waits for them.
-- KEYS queue    start of the queue's keys
-- ARGV id       the job
-- ARGV fence    the worker's fence
-- REPLY { now_ms, then field and value of each note }; { now_ms, "lost" } when it is not the worker's any more
-- SHAPE [integer, "lost"] | [integer, (text, text)...]
-- IDEMPOTENT it only reads
local queue = KEYS[1]
local id = ARGV[1]
local fence = ARGV[2]
-- INCLUDE jobs
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if not is_held(read_jobs(queue, { id })[id], fence) then return { now, "lost" } end
local reply = redis.call("HGETALL", queue .. ":notes:" .. id)
table.insert(reply, 1, now)
return reply
