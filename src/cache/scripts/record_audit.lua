-- Writes an audit into the ledgers of its bands. A band whose latest audits speak against it starts anew.
-- KEYS audits       hash: right:<band>, wrong:<band>, doubt:<band>, counts
-- ARGV right        1 right, 0 wrong
-- ARGV doubt        what the audit adds to the doubt of each band, any number
-- ARGV alarm        doubt at which a band starts anew, > 0
-- ARGV counts_max   audits after which the counts of a band are halved, > 0
-- ARGV bands...     that the audit counts in
-- REPLY how many bands started anew
-- SHAPE integer
local audits = KEYS[1]
local right = ARGV[1]
local doubt = tonumber(ARGV[2])
local alarm = tonumber(ARGV[3])
local counts_max = tonumber(ARGV[4])
local anew = 0
redis.call("HINCRBY", audits, "audited", 1)
if right == "0" then redis.call("HINCRBY", audits, "wrong", 1) end
for i = 5, #ARGV do
  local good, bad, held = "right:" .. ARGV[i], "wrong:" .. ARGV[i], "doubt:" .. ARGV[i]
  local doubted = math.max(0, tonumber(redis.call("HGET", audits, held) or 0) + doubt)
  if doubted >= alarm then
    redis.call("HDEL", audits, good, bad, held)
    anew = anew + 1
  else
    redis.call("HSET", audits, held, string.format("%.9f", doubted))
    redis.call("HINCRBY", audits, right == "1" and good or bad, 1)
    local rights = tonumber(redis.call("HGET", audits, good) or 0)
    local wrongs = tonumber(redis.call("HGET", audits, bad) or 0)
    if rights + wrongs > counts_max then
      redis.call("HSET", audits, good, math.floor(rights / 2), bad, math.ceil(wrongs / 2))
    end
  end
end
return anew
