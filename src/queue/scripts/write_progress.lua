-- Keeps how far a job is, if it is still the writer's.
-- KEYS queue      start of the queue's keys
-- ARGV id         the job
-- ARGV fence      the writer's fence
-- ARGV progress   JSON
-- REPLY the job's state; "lost" when it is not the writer's any more: then nothing was kept
-- SHAPE text
-- IDEMPOTENT the same is put again
local queue = KEYS[1]
local id = ARGV[1]
local fence = ARGV[2]
local progress = ARGV[3]
-- INCLUDE jobs
local LIFE_MS = 86400000
local job = read_jobs(queue, { id })[id]
if not is_held(job, fence) then return "lost" end
redis.call("SET", queue .. ":progress:" .. id, progress, "PX", LIFE_MS)
return job[STATE]
