-- Reads the entries of questions that an engine outside of this script found to be near.
-- KEYS epoch        string: how often something was invalidated, ":", when all was
-- KEYS bodies       prefix of the entries' own keys; the script reads prefix .. id, in the same slot
-- KEYS aliases      prefix of the aliases' keys: a question without an entry of its own may be another wording of one
-- ARGV ids...       of the questions, or none
-- REPLY { epoch, for each id: body, alias }; both empty where there is no entry, alias is empty where the body is the question's own
-- SHAPE [text, (text, text)...]
-- IDEMPOTENT        it reads
local epoch = KEYS[1]
local bodies = KEYS[2]
local aliases = KEYS[3]
local reply = { redis.call("GET", epoch) or "" }
for _, id in ipairs(ARGV) do
  local record = redis.call("GET", bodies .. id)
  local alias = not record and redis.call("GET", aliases .. id)
  if alias then record = redis.call("GET", bodies .. (string.match(alias, "^([^:]+):") or "")) end
  reply[#reply + 1] = record or ""
  reply[#reply + 1] = record and alias or ""
end
return reply
