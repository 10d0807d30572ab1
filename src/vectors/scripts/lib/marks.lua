-- The time of a change, by its number, or false where none is kept: it is none of this history, or too many came after it. Where nothing
-- has ever been marked, the last change has the mark "".
local MARKS_MAX = 4096
local function mark_of(marks, marked, last, number)
  if not last then return false end
  if not marked then return number == tonumber(last) and "" end
  if number < tonumber(marked) or number > tonumber(last) or tonumber(last) - number >= MARKS_MAX then return false end
  local at = 4 * ((number - tonumber(marked)) % MARKS_MAX)
  local bytes = redis.call("GETRANGE", marks, string.format("%.0f", at), string.format("%.0f", at + 3))
  return #bytes == 4 and string.format("%.0f", struct.unpack(">I4", bytes)) or ""
end
