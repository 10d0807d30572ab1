-- A record holds what all rules of one subject count: a byte of marks (1: exceptions hold, 2: there are leases), when its earliest lease
-- may end (ms), then for each rule its tag and three numbers, which mean what the algorithm says; the last of a bucket, a log and slots is
-- when the record's life was last set. Units are thousandths, times are milliseconds.
local HEAD = "<Bd"
local ENTRY = "<I4ddd"
local ENTRY_BYTES = 28
local FIRST = 10
local EXCEPTED = 1
local LEASED = 2
-- Above all numbers of a rule together.
local COUNTS_MAX = 100000000000000000

-- Whether three numbers of a rule may be its own: none is infinite, and none is no number.
local function are_counts(a, b, c)
  local sum = a + b + c
  return sum >= 0 and sum < COUNTS_MAX
end
