-- Ids of the documents that a search command found, nearest first, each with its distance: what it answers is [total, key, [field, value], ...].
-- Keys begin with `start`; the distance is the only field. A row that ended while it was searched has none; NaN and infinity are no distances.
local function nearest_of(found, start)
  local near = {}
  for i = 2, #found - 1, 2 do
    local fields = found[i + 1]
    local distance = type(fields) == "table" and tonumber(fields[2] or "")
    if distance and math.abs(distance) < math.huge and string.sub(found[i], 1, #start) == start then
      near[#near + 1] = { id = string.sub(found[i], #start + 1), distance = distance }
    end
  end
  table.sort(near, function(a, b) return a.distance < b.distance end)
  return near
end
