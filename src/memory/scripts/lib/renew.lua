-- INCLUDE relay/outlive

-- Renews the life of a session's keys, and of the list of its user's sessions. While less than a hundredth of it has passed there is nothing to
-- renew, unless one of the keys was made just now.
local function renew(log, meta, ids, sessions, ttl_ms, made)
  if not made then
    local left = redis.call("PTTL", meta)
    if left <= ttl_ms and left >= ttl_ms * 0.99 then return end
  end
  redis.call("PEXPIRE", log, ttl_ms)
  redis.call("PEXPIRE", meta, ttl_ms)
  redis.call("PEXPIRE", ids, ttl_ms)
  outlive(sessions, ttl_ms)
end
