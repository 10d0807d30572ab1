-- A rule of the spec, and where the next one begins. Its first number is the algorithm, negative where another subject begins; x and y
-- follow where the algorithm needs them.
local function rule_at(spec, at, subject)
  local algorithm = spec[at]
  if algorithm < 0 then algorithm, subject = -algorithm, subject + 1 end
  local next, x, y = at + 5, 0, 0
  if algorithm >= TOKEN_BUCKET then next, x, y = at + 7, spec[at + 5], spec[at + 6] end
  return next, subject, algorithm, spec[at + 1], spec[at + 2], spec[at + 3], spec[at + 4], x, y
end

-- How long a state says anything after its life was set, in milliseconds.
local function life(algorithm, limit, length, x, y, now, lease)
  if algorithm == CALENDAR then return math.max(1, y - now) end
  if algorithm == TOKEN_BUCKET then return math.ceil(2 * length * math.max(1, x / math.max(1, limit))) end
  if algorithm == CONCURRENCY then return 4 * lease end
  return 2 * length
end

-- Rules of a record that this caller does not know: another version of the configuration counts by them.
local function unknown(record, known)
  local kept = {}
  for at = FIRST, #record - 1, ENTRY_BYTES do
    if not known[struct.unpack("<I4", record, at)] and #kept < 32 then
      kept[#kept + 1] = string.sub(record, at, at + ENTRY_BYTES - 1)
    end
  end
  return table.concat(kept)
end
