-- A spec begins with how many subjects there are, the flags, and how long a lease lasts (ms). Each rule follows: its algorithm (negative
-- where another subject begins), tag, limit, length (ms) and cost; x and y where the algorithm needs them.
local BEGIN = "<BBd"
local RULE = "<bI4ddd"
local PLACES = "<dd"

-- All of a spec as a list, where the rules begin at RULES_AT.
local function list_of(packed)
  local subjects, flags, lease, at = struct.unpack(BEGIN, packed)
  local list, size = { subjects, flags, lease }, 3
  while at <= #packed do
    local algorithm, tag, limit, length, cost, next = struct.unpack(RULE, packed, at)
    list[size + 1], list[size + 2], list[size + 3], list[size + 4], list[size + 5] = algorithm, tag, limit, length, cost
    at, size = next, size + 5
    if math.abs(algorithm) >= TOKEN_BUCKET then
      list[size + 1], list[size + 2], at = struct.unpack(PLACES, packed, at)
      size = size + 2
    end
  end
  return list
end
