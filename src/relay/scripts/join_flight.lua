-- Joins those who want one thing: the first of them leads, the others follow.
-- KEYS lease        string: token of the process that leads
-- KEYS waiting      string: somebody follows in another process
-- KEYS group        hash of what is under way beside it: id -> what it is asked in
-- KEYS leases       prefix of the leases; the script reads prefix .. id, in the same slot
-- KEYS made         string: the thing itself, when it exists
-- ARGV id           of the thing
-- ARGV token        of this process
-- ARGV lease_ms     how long a leader may say nothing, > 0
-- ARGV wait_ms      how long a follower may, > 0
-- ARGV room         things of one group that are compared at most
-- ARGV words        what it is asked in, or empty: it is compared with no other
-- ARGV look         1: whether it was made by now matters
-- REPLY { "follow", token } | { "made" } | { "lead", others }: what else is under way, each as "id:length of words:words", in one text
-- SHAPE ["follow", text] | ["made"] | ["lead", text]
local lease = KEYS[1]
local waiting = KEYS[2]
local group = KEYS[3]
local leases = KEYS[4]
local made = KEYS[5]
local id = ARGV[1]
local token = ARGV[2]
local lease_ms = ARGV[3]
local wait_ms = ARGV[4]
local room = tonumber(ARGV[5])
local words = ARGV[6]
local look = ARGV[7]
local leader = redis.call("GET", lease)
if leader and leader ~= token then
  redis.call("SET", waiting, 1, "PX", wait_ms)
  return { "follow", leader }
end
if look == "1" and redis.call("EXISTS", made) == 1 then return { "made" } end
redis.call("SET", lease, token, "PX", lease_ms)
if words == "" then return { "lead", "" } end
local under_way = redis.call("HGETALL", group)
local led, others = {}, {}
for i = 1, #under_way, 2 do led[#led + 1] = leases .. under_way[i] end
-- One command says that all are led, as they mostly are.
local are_led = #led == 0 or redis.call("EXISTS", unpack(led)) == #led
for i = 1, #under_way, 2 do
  local other, its_words = under_way[i], under_way[i + 1]
  if not are_led and redis.call("EXISTS", leases .. other) == 0 then
    redis.call("HDEL", group, other)
  elseif other ~= id then
    others[#others + 1] = other .. ":" .. #its_words .. ":" .. its_words
  end
end
if #others < room then
  redis.call("HSET", group, id, words)
  redis.call("PEXPIRE", group, 600000)
end
return { "lead", table.concat(others) }
