-- What most takes are: no name, leases that are not due, each count where it is expected and in its window, and room by every rule. They
-- are done here, at little more than half the cost. Nothing is written before all that is known; any other take goes on below.
if not id and (flags == 0 or flags == 2) then
  local at, s, place, number, record = rules_at, 0, 0, 0, nil
  local used, entries, asks = {}, {}, {}
  while at <= #spec do
    local algorithm, tag, limit, length, cost, x, y = 0, 0, 0, 0, 0, 0, 0
    algorithm, tag, limit, length, cost, at = struct.unpack(RULE, spec, at)
    if algorithm < 0 then
      algorithm, s, place = -algorithm, s + 1, FIRST
      record = records[s]
      if not record or #record < FIRST then break end
      local marks, first = struct.unpack(HEAD, record)
      if marks ~= 0 and (marks ~= LEASED or first <= now) then break end
    end
    local room = limit
    if algorithm >= TOKEN_BUCKET then
      x, y, at = struct.unpack(PLACES, spec, at)
      room = x
    end
    if place >= #record then break end
    local found, a, b, c, count, turned
    found, a, b, c, place = struct.unpack(ENTRY, record, place)
    if found ~= tag or not are_counts(a, b, c) then break end
    a, b, c, count, turned = turn(algorithm, a, b, c, limit, length, x, y, now, lease)
    if turned or count + cost > room then break end
    number = number + 1
    used[number] = count
    local entry = struct.pack(ENTRY, tag, a, b + cost, c)
    entries[s] = entries[s] and entries[s] .. entry or entry
    if cost > 0 then asks[s] = true end
    if at > #spec then
      for subject = 1, subjects do
        if asks[subject] then redis.call("SETRANGE", KEYS[subject], FIRST - 1, entries[subject]) end
      end
      if number == 2 then return struct.pack("<ddddd", now, 0, -2, used[1], used[2]) end
      return struct.pack("<ddd" .. string.rep("d", number), now, 0, -2, unpack(used))
    end
  end
end
