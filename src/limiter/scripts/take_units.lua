-- Takes units by all rules or by none, and names the rule to wait longest for.
-- KEYS keys...   a record of each subject, (with leases) a zset of leases for each subject, logs and lines, and where a record is known to be marked the exceptions; all in one slot
-- ARGV spec      packed, as lib/spec.lua has it: subjects, flags (1: only look, 2: leases, 4: wait in line, 8: calendars, 16: logs or slots, 32: the exceptions are given), lease_ms; for each rule: algorithm (negative: of the next subject), tag, limit, length_ms, cost, where it needs them x, y
-- ARGV taken...  where logs, leases or lines need it the take's name, then where something is held for each subject what its lease holds, "<id>;<tag>=<units>,..."; "" when nothing
-- REPLY doubles, packed: now_ms, refused, wait_ms, used..., [limit...]: refused 1..n, 0 taken, -1 the calendar is stale, -2 blocked, -3 the exceptions are needed;
-- REPLY wait_ms -1 never; used before this take; limits only where exceptions hold
-- SHAPE text
local spec = ARGV[1]
local id = ARGV[2]
-- INCLUDE record
-- INCLUDE counting
-- INCLUDE spec
local FULL_WAIT_MS = 1000
local LINE_MAX = 1000
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local subjects, flags, lease, rules_at = struct.unpack(BEGIN, spec)
local records = redis.call("MGET", unpack(KEYS, 1, subjects))
-- INCLUDE usual
-- INCLUDE holding
spec = list_of(spec)
local size = #spec
local look, waits = flags % 2 == 1, false
local special, rooms, returned, in_line, logs
-- When the earliest lease of each subject may end.
local due = flags % 4 > 1 and {} or nil
-- What most takes do not need is made when one does: making it costs as much as counting.
local rare = flags > 3
for s = 1, subjects do
  local record, first = records[s], 0
  if record and (#record < FIRST - 1 or string.byte(record) > 0) then
    local marks
    marks, first = struct.unpack(HEAD, record)
    if marks ~= LEASED or first <= now then rare = true end
  end
  if due then due[s] = first end
end
if rare then
  rare = {}
  -- INCLUDE correcting
  -- INCLUDE exceptions
  -- INCLUDE leases
  waits = bit.band(flags, 4) ~= 0
  if bit.band(flags, 8) ~= 0 then
    local at = RULES_AT
    while at <= size do
      local algorithm = math.abs(spec[at])
      if algorithm == CALENDAR and (now < spec[at + 5] or now >= spec[at + 6]) then
        return struct.pack("<ddd", now, -1, 0)
      end
      at = at + (algorithm >= TOKEN_BUCKET and 7 or 5)
    end
  end
  for s = 1, subjects do
    local marks = records[s] and struct.unpack(HEAD, records[s]) or 0
    if marks % 2 == EXCEPTED then
      -- Few are excepted, so the key is not sent along before it is known to be needed.
      if bit.band(flags, 32) == 0 then return struct.pack("<ddd", now, -3, s) end
      special, rooms = special or {}, rooms or {}
      special[s] = rare.exception_of(KEYS[#KEYS], KEYS[s])
      if not rare.holds(special[s], now) then
        special[s], records[s] = nil, rare.unmark(KEYS[#KEYS], KEYS[s], records[s])
      end
      local blocked = special[s] and special[s].blocked
      if blocked == 0 then return struct.pack("<ddd", now, -2, -1) end
      if blocked and blocked > now then return struct.pack("<ddd", now, -2, blocked - now) end
    end
  end
  if due then
    returned = {}
    for s = 1, subjects do
      if due[s] ~= 0 and due[s] <= now then
        returned[s], due[s] = rare.sweep(KEYS[subjects + s], now)
      end
    end
  end
end
local refused, longest, paced = 0, -2, false
-- For each subject: its rules when this is taken, and when it is not; rules that were not in their place; units asked; 1 when its life must be set.
local out = { "", "", 0, 0, 0, "", "", 0, 0, 0 }
for at = 11, 5 * subjects, 5 do out[at], out[at + 1], out[at + 2], out[at + 3], out[at + 4] = "", "", 0, 0, 0 end
local numbers = { now, 0, 0, 0 }
local dirty = returned and {} or nil
local s, of, place, record, number, at = 0, 0, FIRST, false, 0, RULES_AT
while at <= size do
  -- As rule_at reads it, in place: this is where the time goes.
  local algorithm, tag, limit, length, cost, x, y = spec[at], spec[at + 1], spec[at + 2], spec[at + 3], spec[at + 4], 0, 0
  if algorithm < 0 then
    algorithm, s = -algorithm, s + 1
    of, place, record = 5 * s - 4, FIRST, records[s]
  end
  at, number = at + 5, number + 1
  if algorithm >= TOKEN_BUCKET then
    x, y = spec[at], spec[at + 1]
    at = at + 2
  end
  if special then limit, x = rare.excepted(special[s], tag, limit, algorithm, x, now) end
  local found, a, b, c = nil, 0, 0, 0
  if record and place < #record then found, a, b, c = struct.unpack(ENTRY, record, place) end
  local sum = a + b + c
  if found ~= tag or not (sum >= 0 and sum < COUNTS_MAX) then
    out[of + 2] = out[of + 2] + 1
    if record then
      a, b, c = find(record, tag)
    else
      a, b, c = 0, 0, 0
    end
  end
  place = place + ENTRY_BYTES
  local before, count, turned = b, nil, nil
  a, b, c, count, turned = turn(algorithm, a, b, c, limit, length, x, y, now, lease)
  if dirty and returned[s] then
    for _, one in ipairs(returned[s]) do
      if one.tag == tag then
        a, b, c = rare.correct(algorithm, a, b, c, limit, length, x, now, one.taken_at, -one.units, one.id, one.units)
        a, b, c, count = turn(algorithm, a, b, c, limit, length, x, y, now, lease)
      elseif one.place and algorithm == CONCURRENCY then
        redis.call("ZREM", KEYS[x], one.place)
      end
    end
    dirty[s] = true
  end
  if algorithm == SLIDING_LOG then
    logs = logs or { changed = {} }
    if cost > 0 then logs[#logs + 1] = { KEYS[x], cost, length } end
    if b ~= before then logs.changed[s] = true end
  end
  local room, full = limit, false
  if algorithm == TOKEN_BUCKET then room = x end
  if algorithm == CONCURRENCY and cost > 0 then
    in_line = in_line or {}
    local member = string.format("%.0f:", cost) .. id
    in_line[#in_line + 1] = { KEYS[x], member, s }
    full = count + rare.ahead_of(KEYS[x], member) + cost > room
  end
  if count + cost > room or full then
    local wait = -1
    if cost <= room then
      if algorithm == SLIDING_WINDOW then
        local elapsed = math.max(0, now - a * length)
        if b + cost <= limit then
          wait = math.ceil(length * (c - (limit - b - cost)) / c) - elapsed
        else
          wait = length - elapsed + math.ceil(length * (b - (limit - cost)) / b)
        end
      elseif algorithm == FIXED_WINDOW then
        wait = a + length - now
      elseif algorithm == CALENDAR then
        wait = y - now
      elseif algorithm == TOKEN_BUCKET then
        if limit > 0 then wait = math.ceil((b + cost - room) * length / limit) end
      elseif algorithm == SLIDING_LOG then
        wait = rare.log_wait(KEYS[x], count + cost - room, length, now)
      else
        wait = FULL_WAIT_MS
      end
      if wait ~= -1 then wait = math.max(1, wait) end
    end
    if wait == -1 then
      refused, longest = number, math.huge
    elseif wait > longest then
      refused, longest = number, wait
    end
    -- Only who waits for a slot alone stands in line: another rule would keep all behind it waiting.
    if algorithm ~= CONCURRENCY or wait == -1 then paced = true end
  end
  numbers[3 + number] = count
  if special then rooms[number] = room end
  out[of] = out[of] .. struct.pack(ENTRY, tag, a, b + cost, c)
  if rare then out[of + 1] = out[of + 1] .. struct.pack(ENTRY, tag, a, b, c) end
  out[of + 3] = out[of + 3] + cost
  if turned then out[of + 4] = 1 end
end
local takes = refused == 0 and not look
if in_line then
  for _, one in ipairs(in_line) do
    local line, member, s = one[1], one[2], one[3]
    local leases = KEYS[subjects + s]
    if refused ~= 0 and waits and not paced then
      if redis.call("ZSCORE", line, member) or redis.call("ZCARD", line) < LINE_MAX then
        redis.call("ZADD", line, "NX", time[1] * 1000000 + time[2], member)
        redis.call("PEXPIRE", line, 2 * LINE_LEASE_MS)
        hold(leases, "w;" .. member, now + LINE_LEASE_MS, lease)
        due[s] = sooner(due[s], now + LINE_LEASE_MS)
        dirty[s] = true
      end
    elseif waits and redis.call("ZREM", line, member) == 1 then
      redis.call("ZREM", leases, "w;" .. member)
    end
  end
end
for s = 1, subjects do
  local of = 5 * s - 4
  local written
  local held = takes and due and ARGV[2 + s] or ""
  if takes and (out[of + 3] > 0 or held ~= "") then
    written = out[of]
  elseif (dirty and dirty[s]) or (logs and logs.changed[s]) then
    written = out[of + 1]
  end
  local first = due and due[s] or 0
  if held ~= "" then
    hold(KEYS[subjects + s], string.format("%.0f:", now) .. held, now + lease, lease)
    first = sooner(first, now + lease)
  end
  if written and records[s] and not rare and out[of + 2] == 0 and out[of + 4] == 0 then
    -- Nothing but numbers changed: the record is written over in its place and keeps its life.
    if due and first ~= due[s] then
      redis.call("SETRANGE", KEYS[s], 0, struct.pack(HEAD, LEASED, first) .. written)
    else
      redis.call("SETRANGE", KEYS[s], FIRST - 1, written)
    end
  elseif written then
    -- INCLUDE rewriting
    local marks = first ~= 0 and LEASED or 0
    local known, lasts, rule, ruled = {}, 1, RULES_AT, 0
    while rule <= size do
      local next, of_rule, algorithm, tag, limit, length, _, x, y = rule_at(spec, rule, ruled)
      rule, ruled, known[tag] = next, of_rule, true
      if ruled == s then lasts = math.max(lasts, life(algorithm, limit, length, x, y, now, lease)) end
    end
    if records[s] then
      written = written .. unknown(records[s], known)
      if not due then marks, first = struct.unpack(HEAD, records[s]) end
    end
    -- A record that exceptions are marked in lives as long as they do.
    if special and special[s] then
      redis.call("SET", KEYS[s], struct.pack(HEAD, marks - marks % 2 + EXCEPTED, first) .. written)
    else
      redis.call("SET", KEYS[s], struct.pack(HEAD, marks - marks % 2, first) .. written, "PX", lasts)
    end
  end
end
if takes and logs then
  for _, one in ipairs(logs) do
    redis.call("ZADD", one[1], now, id .. string.format(":%.0f", one[2]))
    redis.call("PEXPIRE", one[1], one[3])
  end
end
if longest == math.huge then longest = -1 end
numbers[2], numbers[3] = refused, longest
if rooms then
  for i = 1, number do numbers[3 + number + i] = rooms[i] end
end
return struct.pack("<" .. string.rep("d", #numbers), unpack(numbers))
