-- Lists a user's sessions by their last change; those that have ended leave the list here.
-- KEYS sessions     zset of encoded ids by their last change (ms)
-- KEYS starts       prefix of the sessions' keys; the script reads prefix .. id .. ":meta", in the same slot
-- ARGV after_ms     time of the session after which the page begins, or empty
-- ARGV after_id     its encoded id
-- ARGV limit        how many at most, > 0
-- ARGV newest_first 1 or 0
-- REPLY { 1 when there may be more, id, changed (ms), created (ms), version, metadata, ... }
-- SHAPE [0 | 1, (text, text, text, text, text)...]
-- IDEMPOTENT        it reads, and takes out what has ended
local sessions = KEYS[1]
local starts = KEYS[2]
local after_ms = ARGV[1]
local after_id = ARGV[2]
local limit = tonumber(ARGV[3])
local newest_first = ARGV[4]
newest_first = newest_first == "1"
local range = newest_first and "ZREVRANGEBYSCORE" or "ZRANGEBYSCORE"
local from = after_ms ~= "" and after_ms or (newest_first and "+inf" or "-inf")
local to = newest_first and "-inf" or "+inf"
local reply, ended, found, offset = { 0 }, {}, 0, 0
-- Bounded: a page looks at so many at most; the rest is for the next call.
while offset < 1024 and found <= limit do
  local page = redis.call(range, sessions, from, to, "WITHSCORES", "LIMIT", offset, 64)
  for i = 1, #page, 2 do
    local id, changed = page[i], page[i + 1]
    local seen = after_ms ~= "" and changed == after_ms and ((newest_first and id >= after_id) or (not newest_first and id <= after_id))
    if not seen and found <= limit then
      local known = redis.pcall("HMGET", starts .. id .. ":meta", "created", "version", "metadata")
      -- A session of which the key has another type hides no other: what stands for its metadata is no record.
      if known.err then known = { "0", "0", "damaged" } end
      if not known[1] then
        ended[#ended + 1] = id
      else
        found = found + 1
        if found <= limit then
          for _, value in ipairs({ id, changed, known[1], known[2] or "0", known[3] or "" }) do reply[#reply + 1] = value end
        end
      end
    end
  end
  if #page < 128 then break end
  offset = offset + 64
end
if found > limit then reply[1] = 1 end
for _, id in ipairs(ended) do redis.call("ZREM", sessions, id) end
return reply
