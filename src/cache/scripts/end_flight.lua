-- Ends the asking for an answer, and leaves the answer for those who wait for it.
-- KEYS lease        string: token of the process that asks
-- KEYS result       string: record of the answer
-- ARGV token        of this process
-- ARGV answer       record, or empty: there is none, and the next one may ask
-- ARGV result_ms    how long it waits for the others, > 0
-- REPLY 1 ended, 0 the lease was another's by then: its answer is the one that counts
-- IDEMPOTENT        what has ended stays ended
local lease = KEYS[1]
local result = KEYS[2]
local token = ARGV[1]
local answer = ARGV[2]
local result_ms = ARGV[3]
if redis.call("GET", lease) ~= token then return 0 end
if answer ~= "" then redis.call("SET", result, answer, "PX", result_ms) end
redis.call("DEL", lease)
return 1
