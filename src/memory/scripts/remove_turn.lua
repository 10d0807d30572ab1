-- Takes one turn out of a session; the others keep their numbers.
-- KEYS log          list of "tokens:record"; what has no record was taken out, or is the place of an answer
-- KEYS meta         hash: version, epoch, bytes, tokens
-- ARGV sequence     number of the turn, > 0
-- ARGV channel      where the change is told, or empty
-- REPLY 1 it was there, 0 it was not
-- SHAPE 0 | 1
-- IDEMPOTENT        what is gone stays gone; a repeated call may say that it was not there
local log = KEYS[1]
local meta = KEYS[2]
local sequence = tonumber(ARGV[1])
local channel = ARGV[2]
-- INCLUDE mend
mend(log, meta)
local version = tonumber(redis.call("HGET", meta, "version") or 0)
local at = sequence - (version - redis.call("LLEN", log) + 1)
local turn = at >= 0 and sequence <= version and redis.call("LINDEX", log, at) or "0:"
if string.sub(turn, -1) == ":" and string.match(turn, "^[^:]*:$") then return 0 end
redis.call("LSET", log, at, "0:")
local time = redis.call("TIME")
redis.call("HSET", meta, "epoch", time[1] .. time[2])
redis.call("HINCRBY", meta, "bytes", 2 - #turn)
-- Not a unary minus: of zero that is -0, which Redis 7 refuses.
redis.call("HINCRBY", meta, "tokens", 0 - tonumber(string.match(turn, "^%d+") or 0))
if channel ~= "" then redis.call("PUBLISH", channel, version) end
return 1
