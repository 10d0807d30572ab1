-- Keeps what was made of a session's turns up to one, unless more of them were or they changed since.
-- KEYS meta         hash: created (ms), epoch; <what>: record, <what>_to: sequence number of the last turn
-- ARGV epoch        that the turns were read in
-- ARGV what         summary or learned
-- ARGV to           sequence number of the last turn that it was made of, > 0
-- ARGV record       what was made
-- ARGV born         time (ms) when the session was created whose turns they were
-- REPLY 1 kept, 0 not, -1 that session has ended
-- SHAPE -1 | 0 | 1
-- IDEMPOTENT        the same is kept once
local meta = KEYS[1]
local epoch = ARGV[1]
local what = ARGV[2]
local to = tonumber(ARGV[3])
local record = ARGV[4]
local born = ARGV[5]
local known = redis.call("HMGET", meta, "epoch", what .. "_to", "created")
if known[3] ~= born then return -1 end
if known[1] ~= epoch or tonumber(known[2] or 0) >= to then return 0 end
redis.call("HSET", meta, what, record, what .. "_to", to)
return 1
