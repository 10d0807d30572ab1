-- Ends a session now.
-- KEYS log          list of turns
-- KEYS meta         hash
-- KEYS ids          zset of idempotency keys
-- KEYS sessions     zset of the user's sessions
-- ARGV session      the session's encoded id
-- REPLY how many turns it held, or -1: there was none
-- SHAPE integer
-- IDEMPOTENT        what is gone stays gone; a repeated call says that there was none
local log = KEYS[1]
local meta = KEYS[2]
local ids = KEYS[3]
local sessions = KEYS[4]
local session = ARGV[1]
redis.call("ZREM", sessions, session)
local turns = redis.call("LLEN", log)
if redis.call("UNLINK", log, meta, ids) == 0 then return -1 end
return turns
