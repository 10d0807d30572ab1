-- Adds parts to a job's output, each once, if it is still the writer's.
-- KEYS queue      start of the queue's keys
-- ARGV id         the job
-- ARGV fence      the writer's fence
-- ARGV from       how many parts of this attempt came before these, >= 0
-- ARGV parts...   texts
-- REPLY the job's state; "lost" or "gap:" and how many parts are there: then nothing was added
-- SHAPE text
-- IDEMPOTENT parts that are there already are passed over
local queue = KEYS[1]
local id = ARGV[1]
local fence = ARGV[2]
local from = tonumber(ARGV[3])
-- INCLUDE jobs
-- INCLUDE relay/add_parts
local job = read_jobs(queue, { id })[id]
if not is_held(job, fence) then return "lost" end
local mark, there = add_parts(queue .. ":log:" .. id, fence, from, job[LOG], 4)
if not mark then return "gap:" .. there end
job[LOG] = mark
write_job(queue, id, job)
return job[STATE]
