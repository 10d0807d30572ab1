-- Takes the oldest turns out of a log of `kept` until it is within its bounds; the newest one stays. Answers the bytes and tokens that are left.
local function trim(log, kept, bytes, tokens, max_turns, max_bytes, max_tokens)
  while kept > 1 and (kept > max_turns or (max_bytes > 0 and bytes > max_bytes) or (max_tokens > 0 and tokens > max_tokens)) do
    local turn = redis.call("LPOP", log)
    bytes, tokens, kept = bytes - #turn, tokens - tonumber(string.match(turn, "^%d+") or 0), kept - 1
  end
  return bytes, tokens
end
