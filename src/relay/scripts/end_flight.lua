-- Ends the leading of a process. When somebody follows, the rest must be handed on with it.
-- KEYS lease        string: token of the process that leads
-- KEYS waiting      string: somebody follows in another process
-- KEYS handed       list: what was handed on so far
-- KEYS group        hash of what is under way beside it
-- ARGV id           of the thing, or empty: it was compared with no other
-- ARGV token        of this process
-- ARGV life_ms      how long parts wait for those who follow, > 0
-- ARGV from         place of the first part here, or -1: end only when nobody follows
-- ARGV parts...     the rest
-- REPLY 1 ended, 0 the lease was another's by then, 2 somebody follows: call again with the rest
-- SHAPE 0 | 1 | 2
-- IDEMPOTENT        what has ended stays ended
local lease = KEYS[1]
local waiting = KEYS[2]
local handed = KEYS[3]
local group = KEYS[4]
local id = ARGV[1]
local token = ARGV[2]
local life_ms = ARGV[3]
local from = tonumber(ARGV[4])
if redis.call("GET", lease) ~= token then return 0 end
if from < 0 and redis.call("EXISTS", waiting) == 1 then return 2 end
-- INCLUDE hand_on
redis.call("DEL", lease, waiting)
if id ~= "" then redis.call("HDEL", group, id) end
return 1
