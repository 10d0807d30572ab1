-- Where the rules begin in a spec.
local RULES_AT = 4
-- How long a place in line is kept for who does not ask again.
local LINE_LEASE_MS = 2000
local SLIDING_WINDOW = 1
local FIXED_WINDOW = 2
local TOKEN_BUCKET = 3
local SLIDING_LOG = 4
local CONCURRENCY = 5
local CALENDAR = 6

-- The numbers of one rule, wherever they are in a record; those that are no counts begin anew.
local function find(record, tag)
  for at = FIRST, #record - 1, ENTRY_BYTES do
    local found, a, b, c = struct.unpack(ENTRY, record, at)
    if found == tag and are_counts(a, b, c) then return a, b, c end
  end
  return 0, 0, 0
end

-- The units of a member of a log; 0 where it names none.
local function units_at_end(member)
  return tonumber(string.match(member, "%d+$") or 0)
end

-- Numbers as they are now, the units that they count, and whether the record's life must be set anew. A state ahead of the clock (it
-- went back in a fail-over) goes on.
local function turn(algorithm, a, b, c, limit, length, x, y, now, lease)
  if algorithm == SLIDING_WINDOW then
    local window = math.floor(now / length)
    local turned = a < window
    if turned then
      if a == window - 1 then c = b else c = 0 end
      a, b = window, 0
    end
    if c == 0 then return a, b, c, b, turned end
    return a, b, c, b + math.ceil(c * (length - math.max(0, now - a * length)) / length), turned
  elseif algorithm == FIXED_WINDOW or algorithm == CALENDAR then
    local start = x
    if algorithm == FIXED_WINDOW then start = now - now % length end
    if a >= start then return a, b, c, b, false end
    return start, 0, c, 0, true
  elseif algorithm == TOKEN_BUCKET then
    if now > a then
      b = math.max(0, b - (now - a) * limit / length)
      a = now
    end
    local turned = now - c > length * math.max(1, x / math.max(1, limit)) or now < c
    if turned then c = now end
    return a, b, c, math.ceil(b), turned
  elseif algorithm == SLIDING_LOG then
    local old = redis.call("ZRANGEBYSCORE", KEYS[x], "-inf", now - length)
    if #old > 0 then
      for _, member in ipairs(old) do
        b = b - units_at_end(member)
      end
      redis.call("ZREMRANGEBYSCORE", KEYS[x], "-inf", now - length)
      b = math.max(0, b)
    end
    local turned = now - c > length or now < c
    if turned then c = now end
    return a, b, c, b, turned
  end
  local turned = now - c > lease or now < c
  if turned then c = now end
  return a, b, c, b, turned
end
