-- Finds the place that an open question keeps for its answer: its sequence number, its index in the log (from the end: -1 is the newest),
-- how many turns before it are the question's, and the place with the turn before it. Without an index there is none: the number is 0 when
-- the id is not known.
local function opening(log, ids, id, version)
  local made = tonumber(redis.call("ZSCORE", ids, id) or 0)
  if made <= 0 or made > version then return made end
  local at = made - version - 1
  local last = redis.call("LRANGE", log, at - 1, at)
  local count, tag = string.match(last[#last] or "", "^0~(%d+)%.(%x+):$")
  if not count or tag ~= string.sub(redis.sha1hex(id), 1, 8) then return made end
  return made, at, tonumber(count), last
end

-- Takes the turns of an open question out of the log, and its place; they leave their numbers. Answers the bytes and tokens that went.
local function take_out(log, at, count)
  local bytes, tokens = 0, 0
  for i = math.max(-redis.call("LLEN", log), at - count), at do
    local turn = redis.call("LINDEX", log, i)
    redis.call("LSET", log, i, "0:")
    bytes, tokens = bytes + #turn - 2, tokens + tonumber(string.match(turn, "^%d+") or 0)
  end
  return bytes, tokens
end
