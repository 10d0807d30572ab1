-- Gives a key at least so much life. A twentieth more where it has too little, so that the next ones find enough.
local function outlive(key, ttl_ms)
  if redis.call("PTTL", key) < ttl_ms then redis.call("PEXPIRE", key, math.ceil(ttl_ms * 1.05)) end
end
