-- Adds the parts from ARGV[first] on to an output, those that are not there yet; mark says what is there (fence:parts). An entry is named
-- after its attempt and place: it is the same one when it is written again. Answers the new mark; or nil, and how many are there, when some
-- before these are missing.
local function add_parts(log, fence, from, mark, first)
  local epoch, count = string.match(mark, "^(%d+):(%d+)$")
  local written = epoch == fence and tonumber(count) or 0
  if written < from then return nil, written end
  for at = first + written - from, #ARGV do
    redis.call("XADD", log, fence .. "-" .. (from + at - first + 1), "p", ARGV[at])
  end
  return fence .. ":" .. math.max(written, from + #ARGV - first + 1)
end
