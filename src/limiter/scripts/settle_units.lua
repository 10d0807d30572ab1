-- Puts real units in place of those taken, each where it is still counted.
-- KEYS keys...      as take_units, the exceptions among them; then for each settlement that counts once what remembers it, in the same slot
-- ARGV spec         as take_units; costs mean nothing here
-- ARGV settled...   for each settlement: taken_at_ms (0: now) and for each rule old and new units and whether a lease holds them (1), as JSON; id; for how long after its take it counts, and is remembered, once (ms; 0: nothing remembers it); then for each subject its lease's member ("" without) and what takes its place ("" when it ends)
-- REPLY for each settlement whether all its leases were still held (1 without any); one that is remembered is told as it was, and another one in its place 0
-- SHAPE [(0 | 1)...]
local spec = ARGV[1]
-- INCLUDE record
-- INCLUDE counting
-- INCLUDE spec
-- INCLUDE holding
-- INCLUDE rewriting
local rare = {}
-- INCLUDE correcting
-- INCLUDE exceptions
-- INCLUDE leases
spec = list_of(spec)
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local subjects, _, lease = unpack(spec, 1, 3)
local records = redis.call("MGET", unpack(KEYS, 1, subjects))
local rules, changed, marks, due, reply = {}, {}, {}, {}, {}
local each = 3 + 2 * subjects
local exceptions = #KEYS
for at = 2, #ARGV, each do
  if tonumber(ARGV[at + 2]) > 0 then exceptions = exceptions - 1 end
end
local memory = exceptions
for s = 1, subjects do
  marks[s], due[s] = 0, 0
  if records[s] then marks[s], due[s] = struct.unpack(HEAD, records[s]) end
end
local at, s = RULES_AT, 0
while at <= #spec do
  local algorithm, tag, limit, length, x, y, _
  at, s, algorithm, tag, limit, length, _, x, y = rule_at(spec, at, s)
  if marks[s] % 2 == EXCEPTED then
    limit, x = rare.excepted(rare.exception_of(KEYS[exceptions], KEYS[s]), tag, limit, algorithm, x, now)
  end
  local a, b, c = 0, 0, 0
  if records[s] then
    a, b, c = find(records[s], tag)
  end
  a, b, c = turn(algorithm, a, b, c, limit, length, x, y, now, lease)
  rules[#rules + 1] =
    { s = s, algorithm = algorithm, tag = tag, limit = limit, length = length, x = x, y = y, a = a, b = b, c = c }
end
-- Puts one settlement in place of what it settles. A lease that is over holds nothing more, whether or not it was given back yet.
local function settle(at, units, taken_at)
  local id = ARGV[at + 1]
  local held, kept = {}, 1
  for s = 1, subjects do
    local member, next, leases = ARGV[at + 1 + 2 * s], ARGV[at + 2 + 2 * s], KEYS[subjects + s]
    if member ~= "" then
      local ends = redis.call("ZSCORE", leases, member)
      held[s] = ends and tonumber(ends) > now
      if not held[s] then
        kept = 0
      else
        redis.call("ZREM", leases, member)
        if next ~= "" then
          hold(leases, next, now + lease, lease)
          due[s] = sooner(due[s], now + lease)
          changed[s] = true
        end
      end
    end
  end
  for i, one in ipairs(rules) do
    local old, new, leased = unpack(units, 3 * i - 1, 3 * i + 1)
    if leased == 0 or held[one.s] then
      local did
      one.a, one.b, one.c, did = rare.correct(
        one.algorithm, one.a, one.b, one.c, one.limit, one.length, one.x, now, taken_at, new - old, id, old
      )
      if did then changed[one.s] = true end
    end
  end
  return kept
end
for at = 2, #ARGV, each do
  local units, once_ms = cjson.decode(ARGV[at]), tonumber(ARGV[at + 2])
  local taken_at = units[1]
  if taken_at == 0 then taken_at = now end
  local kept
  if once_ms == 0 then
    kept = settle(at, units, taken_at)
  else
    memory = memory + 1
    local digest = redis.sha1hex(ARGV[at])
    local before = redis.call("GET", KEYS[memory])
    if before then
      kept = before == "1" .. digest and 1 or 0
    elseif taken_at < now - once_ms then
      kept = 0
    else
      kept = settle(at, units, taken_at)
      redis.call("SET", KEYS[memory], kept .. digest, "PX", once_ms)
    end
  end
  reply[#reply + 1] = kept
end
for s in pairs(changed) do
  local mark = marks[s] % 2
  if due[s] ~= 0 then mark = mark + LEASED end
  local record, longest, known = { struct.pack(HEAD, mark, due[s]) }, 1, {}
  for _, one in ipairs(rules) do
    if one.s == s then
      known[one.tag] = true
      record[#record + 1] = struct.pack(ENTRY, one.tag, one.a, one.b, one.c)
      longest = math.max(longest, life(one.algorithm, one.limit, one.length, one.x, one.y, now, lease))
    end
  end
  if records[s] then
    record[#record + 1] = unknown(records[s], known)
    redis.call("SET", KEYS[s], table.concat(record), "KEEPTTL")
    redis.call("PEXPIRE", KEYS[s], longest, "GT")
  else
    redis.call("SET", KEYS[s], table.concat(record), "PX", longest)
  end
end
return reply
