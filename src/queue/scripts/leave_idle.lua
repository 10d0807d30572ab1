-- Takes a worker out of the place of the one that waits, and tells it when nothing more can be handed to it.
-- KEYS queue      start of the queue's keys
-- ARGV worker     which one leaves
-- REPLY 1 when it was the one that waits, else 0
-- SHAPE 0 | 1
-- IDEMPOTENT another one that waits stays
local queue = KEYS[1]
local worker = ARGV[1]
local idle = queue .. ":idle"
local named = string.match(redis.call("GET", idle) or "", "^%S+") == worker
if named then
  redis.call("DEL", idle)
  -- Others that wait may have been there before it: they say so again.
  redis.call("PUBLISH", queue .. ":wake", "1")
end
-- What was handed to it before comes before this.
redis.call("PUBLISH", queue .. ":hand:" .. worker, "")
return named and 1 or 0
