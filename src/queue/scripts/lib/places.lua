-- Where a job stands among its tenant's: the moment of its push, counted in 1/8192 ms since 2026 and one apart for each job of a moment,
-- and a minute more for each point of priority below 100. So a job waits behind dearer ones that were pushed later for a bounded time.
-- A place of 0.1 is lower than all of these: what waited before an upgrade is next.
local EPOCH_MS = 1767225600000
local STEPS = 8192
local AGE_MS = 60000

-- Numbers for so many jobs that are pushed now, each higher than any before: the one before the first.
local function next_seq(queue, now, many)
  local before = math.max(tonumber(redis.call("GET", queue .. ":seq") or 0), (now - EPOCH_MS) * STEPS)
  redis.call("SET", queue .. ":seq", string.format("%d", before + many))
  return before
end

local function place_of(priority, seq)
  return string.format("%d", (100 - priority) * AGE_MS * STEPS + seq)
end
