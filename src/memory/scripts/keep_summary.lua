-- Keeps a summary of a session's older turns, unless a newer one is there or they changed since.
-- KEYS meta         hash: epoch, summary, summary_to
-- ARGV epoch        that the turns were read in
-- ARGV to           sequence number of the last turn that it sums up, > 0
-- ARGV summary      record
-- REPLY 1 kept, 0 not
-- IDEMPOTENT        the same summary is kept once
local meta = KEYS[1]
local epoch = ARGV[1]
local to = tonumber(ARGV[2])
local summary = ARGV[3]
local known = redis.call("HMGET", meta, "epoch", "summary_to")
if known[1] ~= epoch or tonumber(known[2] or 0) >= to then return 0 end
redis.call("HSET", meta, "summary", summary, "summary_to", to)
return 1
