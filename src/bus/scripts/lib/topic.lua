-- A topic's keys begin with its own name, which bears the hash tag. A partition is a stream of entries b (body), k (key, if any), g (the one
-- group that it is for); nothing but its oldest end is ever taken out, so its entries are numbered by how many were added. "cursors" has what each
-- group has done with, by "group/partition": an entry's id, a space, its number, or less: after a seek it is not known.

-- How many entries a partition has ("length"), how many were ever added, and the ids of the oldest and of the last one.
local function ends_of(log)
  local info, of = redis.pcall("XINFO", "STREAM", log), {}
  if info.err then return { length = 0, added = 0, oldest = "0-0", last = "0-0" } end
  for at = 1, #info, 2 do of[info[at]] = info[at + 1] end
  return { length = of["length"], added = of["entries-added"], oldest = of["recorded-first-entry-id"], last = of["last-generated-id"] }
end

-- Drops what every group has done with and retention does not keep, from the oldest on. Answers how many. "sure": what is not known is counted.
local function trim(topic, partition, ends, keep, min_ms, sure)
  local log, length = topic .. ":log:" .. partition, ends.length
  if length == 0 then return 0 end
  local floor, floor_ms, floor_seq
  local cursors = redis.call("HGETALL", topic .. ":cursors")
  for at = 1, #cursors, 2 do
    if string.match(cursors[at], "/(%d+)$") == partition then
      local ms, seq, number = string.match(cursors[at + 1], "^(%d+)%-(%d+) (%d+)$")
      ms, seq = tonumber(ms), tonumber(seq)
      floor = math.min(floor or math.huge, tonumber(number))
      if not floor_ms or ms < floor_ms or (ms == floor_ms and seq < floor_seq) then floor_ms, floor_seq = ms, seq end
    end
  end
  local dropped = 0
  -- Of all that is there so many are done with.
  local done = floor and math.max(0, math.min(length, floor - (ends.added - length))) or length
  local over = length - keep
  if sure and over > done then
    local last = string.format("%.0f-%.0f", floor_ms, floor_seq)
    done = #redis.call("XRANGE", log, "-", last, "COUNT", over)
  end
  over = math.min(over, done)
  if over > 0 then dropped = redis.call("XTRIM", log, "MAXLEN", length - over) end
  if length > dropped and tonumber(string.match(ends.oldest, "^%d+")) < min_ms then
    local until_id = string.format("%.0f", min_ms)
    if floor and floor_ms < min_ms then until_id = string.format("%.0f-%.0f", floor_ms, floor_seq + 1) end
    dropped = dropped + redis.call("XTRIM", log, "MINID", until_id)
  end
  return dropped
end
