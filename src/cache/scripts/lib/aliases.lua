-- An alias is a string `aliases .. wording id` that begins with the id of its entry and a colon; the set `aliases .. "of:" .. entry id` has
-- the wordings of one entry. An alias counts only while its entry is the one that it was made for: readers compare the entry's digest.
local function entry_of(alias)
  return alias and string.match(alias, "^([^:]+):")
end
-- Forgets the alias of one wording, before it becomes an entry of its own.
local function forget_alias(aliases, wording)
  local entry = entry_of(redis.call("GET", aliases .. wording))
  if not entry then return end
  redis.call("UNLINK", aliases .. wording)
  redis.call("SREM", aliases .. "of:" .. entry, wording)
end
-- Forgets all aliases of an entry, and their questions in the index where that is given.
local function forget_aliases(aliases, entry, vectors)
  local of = aliases .. "of:" .. entry
  local wordings = redis.call("SMEMBERS", of)
  if #wordings == 0 then return end
  local indexed = vectors and redis.call("EXISTS", vectors) == 1
  for _, wording in ipairs(wordings) do
    if entry_of(redis.call("GET", aliases .. wording)) == entry then redis.call("UNLINK", aliases .. wording) end
    if indexed then redis.call("VREM", vectors, wording) end
  end
  redis.call("UNLINK", of)
end
