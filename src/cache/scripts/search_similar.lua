-- Finds the stored questions nearest to a vector by the server's search command, with their entries.
-- KEYS contract     string: what all handles on the index of questions agree on
-- KEYS epoch        string: how often something was invalidated, ":", when all was
-- KEYS bodies       prefix of the entries' own keys; the script reads prefix .. id, in the same slot
-- KEYS aliases      prefix of the aliases' keys: a question without an entry of its own may be another wording of one
-- ARGV agreed       the contract of this handle
-- ARGV start        what the keys of its documents begin with; the id follows
-- ARGV count        how many candidates at most, > 0
-- ARGV floor        score from which a candidate's record is wanted
-- ARGV command...   the search; its only field is the distance
-- REPLY as find_similar, and a candidate whose entry is gone has no body and the alias "gone"; nil where the server runs no search in a
--                    script, or another contract stands
-- SHAPE [text, (text, text, text, text)...] | nil
-- IDEMPOTENT        it reads
local contract = KEYS[1]
local epoch = KEYS[2]
local bodies = KEYS[3]
local aliases = KEYS[4]
local agreed = ARGV[1]
local start = ARGV[2]
local count = tonumber(ARGV[3])
local floor = tonumber(ARGV[4])
-- INCLUDE vectors/found
local reply = { redis.call("GET", epoch) or "" }
local known = redis.call("GET", contract)
if not known then return reply end
if known ~= agreed then return nil end
local found = redis.pcall(unpack(ARGV, 5))
if type(found) ~= "table" or found.err then return nil end
for i, near in ipairs(nearest_of(found, start)) do
  if i > count then break end
  local score = 1 - near.distance / 2
  local far = score < floor
  if far and i > 1 then break end
  local record = not far and redis.call("GET", bodies .. near.id)
  local alias = not far and not record and redis.call("GET", aliases .. near.id)
  if alias then record = redis.call("GET", bodies .. (string.match(alias, "^([^:]+):") or "")) end
  reply[#reply + 1] = near.id
  reply[#reply + 1] = string.format("%.9f", score)
  reply[#reply + 1] = record or ""
  reply[#reply + 1] = record and alias or not record and not far and "gone" or ""
  if far then break end
end
return reply
