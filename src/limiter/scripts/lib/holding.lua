-- Puts a member among a subject's leases.
local function hold(leases, member, until_ms, lease)
  redis.call("ZADD", leases, until_ms, member)
  redis.call("PEXPIRE", leases, 4 * math.max(lease, LINE_LEASE_MS))
end

local function sooner(due, other)
  if due == 0 or other < due then return other end
  return due
end
