-- Forgets the entry of a question, its own or the one whose alias the question is, with all its aliases.
-- KEYS body         string: the question's own entry
-- KEYS bodies       prefix of the entries' own keys; the script deletes prefix .. id, in the same slot
-- KEYS aliases      prefix of the aliases' keys; the script deletes prefix .. id
-- ARGV id           the question's id
-- REPLY 1 when there was an entry, else 0
-- SHAPE integer
-- IDEMPOTENT        what is forgotten stays forgotten; the reply of a second run is 0
local body = KEYS[1]
local bodies = KEYS[2]
local aliases = KEYS[3]
local id = ARGV[1]
-- INCLUDE aliases
local entry = id
if redis.call("EXISTS", body) == 0 then entry = entry_of(redis.call("GET", aliases .. id)) or id end
forget_aliases(aliases, entry, nil)
return redis.call("UNLINK", bodies .. entry)
