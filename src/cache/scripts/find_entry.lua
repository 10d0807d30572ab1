-- Finds the entry of a question: its own, or the one whose alias the question is.
-- KEYS body         string: the question's own entry
-- KEYS alias        string: entry id, ":", record of the alias
-- KEYS epoch        string: how often something was invalidated, ":", when all was
-- KEYS bodies       prefix of the entries' own keys; the script reads prefix .. id, in the same slot
-- REPLY { epoch, body, alias }; what is not there is empty; alias only where the body is that of another question
-- SHAPE [text, text, text]
-- IDEMPOTENT        it reads
local body = KEYS[1]
local alias = KEYS[2]
local epoch = KEYS[3]
local bodies = KEYS[4]
local present = redis.call("GET", epoch) or ""
local own = redis.call("GET", body)
if own then return { present, own, "" } end
local other = redis.call("GET", alias)
if not other then return { present, "", "" } end
return { present, redis.call("GET", bodies .. (string.match(other, "^([^:]+):") or "")) or "", other }
