-- Finds the stored questions nearest to a vector, with their entries.
-- KEYS vectors      vector set of the partition's questions, element = entry id
-- KEYS epoch        string: how often something was invalidated, ":", when all was
-- KEYS bodies       prefix of the entries' own keys; the script reads prefix .. id, in the same slot
-- KEYS aliases      prefix of the aliases' keys: a question without an entry of its own may be another wording of one
-- ARGV vector       little-endian float32
-- ARGV count        how many candidates at most, > 0
-- ARGV effort       how widely the graph is searched, >= count
-- ARGV floor        score from which a candidate's record is wanted
-- REPLY { epoch, id, score, body, alias, ... }, nearest first; score is (1 + cosine) / 2 as text; below the floor body is empty;
--                    alias is empty where the body is the question's own
-- SHAPE [text, (text, text, text, text)...]
-- IDEMPOTENT        it reads; index entries whose body has ended are taken out, which can be done again
local vectors = KEYS[1]
local epoch = KEYS[2]
local bodies = KEYS[3]
local aliases = KEYS[4]
local vector = ARGV[1]
local count = tonumber(ARGV[2])
local effort = tonumber(ARGV[3])
local floor = tonumber(ARGV[4])
local found = redis.call("VSIM", vectors, "FP32", vector, "WITHSCORES", "COUNT", count, "EF", effort)
local reply = { redis.call("GET", epoch) or "" }
for i = 1, #found, 2 do
  if tonumber(found[i + 1]) < floor then
    -- Only the nearest of them says something: how near it was.
    if i == 1 then return { reply[1], found[1], found[2], "", "" } end
    return reply
  end
  local record = redis.call("GET", bodies .. found[i])
  local alias = not record and redis.call("GET", aliases .. found[i])
  if alias then record = redis.call("GET", bodies .. (string.match(alias, "^([^:]+):") or "")) end
  if record then
    reply[#reply + 1] = found[i]
    reply[#reply + 1] = found[i + 1]
    reply[#reply + 1] = record
    reply[#reply + 1] = alias or ""
  else
    -- A server that refuses writes (full, read-only, too few replicas) still answers: the index is tidied another time.
    redis.pcall("VREM", vectors, found[i])
  end
end
return reply
