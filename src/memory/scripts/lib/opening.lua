-- Finds the place that an open question keeps for its answer: its sequence number and index in the log, how many turns before it are the
-- question's, and how many the log has. Without an index there is none: the number is 0 when the id is not known.
local function opening(log, ids, id, version)
  local made = tonumber(redis.call("ZSCORE", ids, id) or 0)
  local kept = redis.call("LLEN", log)
  local at = made - (version - kept + 1)
  local place = made > 0 and made <= version and at >= 0 and redis.call("LINDEX", log, at) or ""
  local count, tag = string.match(place, "^0~(%d+)%.(%x+):$")
  if not count or tag ~= string.sub(redis.sha1hex(id), 1, 8) then return made end
  return made, at, tonumber(count), kept
end

-- Takes the turns of an open question out of the log, and its place; they leave their numbers. Answers the bytes and tokens that went.
local function take_out(log, at, count)
  local bytes, tokens = 0, 0
  for i = math.max(0, at - count), at do
    local turn = redis.call("LINDEX", log, i)
    redis.call("LSET", log, i, "0:")
    bytes, tokens = bytes + #turn - 2, tokens + tonumber(string.match(turn, "^%d+") or 0)
  end
  return bytes, tokens
end
