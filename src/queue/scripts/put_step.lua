-- Keeps the result of a step of a job, once, if the job is still the worker's.
-- KEYS queue    start of the queue's keys
-- ARGV id       the job
-- ARGV fence    the worker's fence
-- ARGV name     the step
-- ARGV result   its record
-- ARGV most     how many notes a job may have, > 0
-- REPLY "kept", also when it was there already; "lost" when the job is not the worker's any more; "full"
-- SHAPE "kept" | "lost" | "full"
-- IDEMPOTENT a step that is kept stays as it is
local queue = KEYS[1]
local id = ARGV[1]
local fence = ARGV[2]
local name = ARGV[3]
local result = ARGV[4]
local most = tonumber(ARGV[5])
-- INCLUDE jobs
-- INCLUDE notes
-- INCLUDE memory
-- What was paid for is kept also while memory is full.
is_full(queue)
local job = read_jobs(queue, { id })[id]
if not is_held(job, fence) then return "lost" end
if not put_note(queue, id, job, "s:" .. name, result, most) then return "full" end
write_job(queue, id, job)
return "kept"
