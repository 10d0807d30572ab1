-- Ends the leading of a process. When somebody follows, the rest must be handed on with it.
-- KEYS lease        string: token of the process that leads
-- KEYS waiting      string: somebody follows in another process
-- KEYS handed       list: what was handed on so far
-- KEYS group        hash of what is under way beside it
-- KEYS ended        zset of what ended beside it lately, each as "id:length of words:words", by when (ms)
-- ARGV id           of the thing, or empty: it was compared with no other
-- ARGV token        of this process
-- ARGV life_ms      how long parts wait for those who follow, > 0
-- ARGV whole        1: it was made, so that those who looked for something like it before look again
-- ARGV kept_ms      how long that matters, > 0
-- ARGV room         things that ended and are told at most
-- ARGV from         place of the first part here, or -1: end only when nobody follows
-- ARGV parts...     the rest
-- REPLY 1 ended, 0 the lease was another's by then, 2 somebody follows: call again with the rest
-- SHAPE 0 | 1 | 2
-- IDEMPOTENT        what has ended stays ended
local lease = KEYS[1]
local waiting = KEYS[2]
local handed = KEYS[3]
local group = KEYS[4]
local ended = KEYS[5]
local id = ARGV[1]
local token = ARGV[2]
local life_ms = ARGV[3]
local whole = ARGV[4]
local kept_ms = ARGV[5]
local room = tonumber(ARGV[6])
local from = tonumber(ARGV[7])
if redis.call("GET", lease) ~= token then return 0 end
if from < 0 and redis.call("EXISTS", waiting) == 1 then return 2 end
local before = 7
-- INCLUDE hand_on
redis.call("DEL", lease, waiting)
local words = id ~= "" and redis.call("HGET", group, id)
if not words then return 1 end
redis.call("HDEL", group, id)
if whole == "1" then
  local clock = redis.call("TIME")
  redis.call("ZADD", ended, clock[1] * 1000 + math.floor(clock[2] / 1000), id .. ":" .. #words .. ":" .. words)
  redis.call("ZREMRANGEBYRANK", ended, 0, -room - 1)
  redis.call("PEXPIRE", ended, kept_ms)
end
return 1
