-- Finds the items nearest to a vector.
-- KEYS set          vector set of the namespace
-- KEYS items        hash: id -> record
-- KEYS due          zset of ids by the time (ms) when they end
-- KEYS contract     string: what all handles of the collection agree on
-- ARGV agreed       the contract of this handle
-- ARGV vector       little-endian float32
-- ARGV limit        how many items at most, > 0
-- ARGV spare        how many more to look at, in place of ended ones, >= 0
-- ARGV filter       FILTER expression, or empty
-- ARGV exact        1: compare with everything
-- ARGV exact_below  with a filter, compare with everything when the set has no more elements than this
-- ARGV effort       how widely the graph is searched, > 0
-- ARGV vectors      1: with vectors
-- REPLY { { id, score, record, raw vector when asked for }, ... }, nearest first; score is (1 + cosine) / 2 as text; or the other
--       contract, as text
-- SHAPE [([text, text, text] | [text, text, text, any])...] | text
-- IDEMPOTENT        it reads
local set = KEYS[1]
local items = KEYS[2]
local due = KEYS[3]
local contract = KEYS[4]
local agreed = ARGV[1]
local vector = ARGV[2]
local limit = tonumber(ARGV[3])
local spare = tonumber(ARGV[4])
local filter = ARGV[5]
local exact = ARGV[6]
local exact_below = tonumber(ARGV[7])
local effort = tonumber(ARGV[8])
local vectors = ARGV[9]
local known = redis.call("GET", contract)
if not known then return {} end
if known ~= agreed then return known end
-- The graph loses what a selective filter leaves; small sets are cheaper to read whole.
if filter ~= "" and exact ~= "1" and redis.call("VCARD", set) <= exact_below then exact = "1" end
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local reply = {}
-- Many that have ended may lie near and not be swept yet: then it looks further, four times at most.
for _ = 1, 4 do
  local count = limit + spare
  local command = { "VSIM", set, "FP32", vector, "WITHSCORES", "COUNT", count, "EF", math.max(effort, count) }
  if filter ~= "" then
    command[#command + 1] = "FILTER"
    command[#command + 1] = filter
    command[#command + 1] = "FILTER-EF"
    command[#command + 1] = math.max(effort * 20, count * 100)
  end
  if exact == "1" then command[#command + 1] = "TRUTH" end
  local found = redis.call(unpack(command))
  reply = {}
  for i = 1, #found, 2 do
    if #reply >= limit then break end
    local ends = redis.call("ZSCORE", due, found[i])
    local record = redis.call("HGET", items, found[i])
    if record and not (ends and tonumber(ends) <= now) then
      local item = { found[i], found[i + 1], record }
      if vectors == "1" then item[4] = redis.call("VEMB", set, found[i], "RAW") end
      reply[#reply + 1] = item
    end
  end
  if #reply >= limit or #found < 2 * count then break end
  spare = spare * 8
end
return reply
