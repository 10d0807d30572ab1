-- Mends what is stored for subjects, after a script could not work with it: what cannot be read is removed, and counts begin anew.
-- KEYS keys...   as the kinds say; all in one slot
-- ARGV kinds     a letter for each key. r: record of a subject, l: leases of a subject (in the order of the records), g: log, z: line, h: exceptions, s: what remembers a settlement
-- ARGV life_ms   how long a mended record is kept, > 0
-- ARGV slots...  tags of the rules that count slots: their leases say how many are held
-- REPLY how many keys were mended
-- SHAPE integer
-- IDEMPOTENT what is mended is whole
local kinds = ARGV[1]
local life_ms = tonumber(ARGV[2])
-- INCLUDE record
local TYPES = { r = "string", l = "zset", g = "zset", z = "zset", h = "hash", s = "string" }
local mended, leases, records, logs, exceptions = 0, {}, {}, {}, nil
for at = 1, #KEYS do
  local kind = string.sub(kinds, at, at)
  local type = redis.call("TYPE", KEYS[at]).ok
  if type ~= "none" and type ~= TYPES[kind] then
    redis.call("DEL", KEYS[at])
    mended = mended + 1
  end
  if kind == "r" then records[#records + 1] = KEYS[at] end
  if kind == "l" then leases[#leases + 1] = KEYS[at] end
  if kind == "g" then logs[#logs + 1] = KEYS[at] end
  if kind == "h" then exceptions = KEYS[at] end
end
local slots = {}
for at = 3, #ARGV do slots[ARGV[at]] = true end

-- Whether a record has the form and the numbers of one.
local function is_whole(record)
  if #record % ENTRY_BYTES ~= FIRST - 1 then return false end
  local marks, due = struct.unpack(HEAD, record)
  if marks > EXCEPTED + LEASED or due ~= due then return false end
  for at = FIRST, #record, ENTRY_BYTES do
    local _, a, b, c = struct.unpack(ENTRY, record, at)
    if not are_counts(a, b, c) then return false end
  end
  return true
end

-- Whether an exception says what one says.
local function is_exception(text)
  local read, exception = pcall(cjson.decode, text)
  if not read or type(exception) ~= "table" then return false end
  local function is_time(value) return value == nil or (type(value) == "number" and value == value) end
  if not is_time(exception.blocked) then return false end
  if exception.rules == nil then return true end
  if type(exception.rules) ~= "table" then return false end
  for tag, rule in pairs(exception.rules) do
    if type(tag) ~= "string" or type(rule) ~= "table" then return false end
    if rule.limit ~= nil and not (tonumber(rule.limit) and rule.limit_until) then return false end
    if rule.more ~= nil and not (tonumber(rule.more) and rule.more_until) then return false end
    if not is_time(rule.limit_until) or not is_time(rule.more_until) then return false end
  end
  return true
end

for s, key in ipairs(records) do
  local excepted = exceptions and redis.call("HGET", exceptions, key)
  if excepted and not is_exception(excepted) then
    redis.call("HDEL", exceptions, key)
    excepted, mended = false, mended + 1
  end
  local record = redis.call("GET", key)
  if record and not is_whole(record) then
    mended = mended + 1
    -- A log without its sum would be taken from other sums.
    if #logs > 0 then redis.call("DEL", unpack(logs)) end
    local marks, due, entries, held = 0, 0, "", {}
    if excepted then marks = EXCEPTED end
    local all = leases[s] and redis.call("ZRANGE", leases[s], 0, -1, "WITHSCORES") or {}
    if #all > 0 then marks, due = marks + LEASED, tonumber(all[2]) end
    for at = 1, #all, 2 do
      for tag, units in string.gmatch(string.match(all[at], "^%d+:[^;]+;(.*)$") or "", "(%d+)=(%d+)") do
        if slots[tag] then held[tag] = (held[tag] or 0) + tonumber(units) end
      end
    end
    for tag, units in pairs(held) do entries = entries .. struct.pack(ENTRY, tonumber(tag), 0, units, 0) end
    if marks == 0 then
      redis.call("DEL", key)
    else
      redis.call("SET", key, struct.pack(HEAD, marks, due) .. entries)
      if not excepted then redis.call("PEXPIRE", key, life_ms) end
    end
  end
end
return mended
