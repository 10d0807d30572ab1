-- Makes leases last, those that are still there.
-- KEYS keys...       pairs of a subject's record and its leases; all in one slot
-- ARGV lease_ms      how long they last from now
-- ARGV members...    pairs of the number of such a pair of keys (from 1) and a member
-- REPLY numbers of the members, from 1, that were not there any more
-- SHAPE [(integer)...]
-- IDEMPOTENT a lease that was renewed is renewed again
local lease_ms = tonumber(ARGV[1])
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lost = {}
for at = 2, #ARGV, 2 do
  local leases, member = KEYS[2 * ARGV[at]], ARGV[at + 1]
  if redis.call("ZSCORE", leases, member) then
    redis.call("ZADD", leases, "XX", now + lease_ms, member)
  else
    lost[#lost + 1] = at / 2
  end
end
for at = 1, #KEYS do redis.call("PEXPIRE", KEYS[at], 3 * lease_ms, "GT") end
return lost
