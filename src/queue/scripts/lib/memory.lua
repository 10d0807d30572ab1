-- Whether memory is full, so that Redis refuses writes. It refuses the first one of a script that needs memory, and nothing behind one that
-- needs none: what goes on after this is written, full or not.
local function is_full(queue)
  local none = queue .. ":none"
  local probe = redis.pcall("SET", none, "", "XX")
  if type(probe) ~= "table" or not probe.err then return false end
  if not string.find(probe.err, "OOM", 1, true) then redis.call("SET", none, "", "XX") end
  redis.call("DEL", none)
  return true
end
