-- Where a job stands among its tenant's: the moment of its push, counted in 1/8192 ms since 2026 and one apart for each job of a moment,
-- and a minute more for each point of priority below 100. So a job waits behind dearer ones that were pushed later for a bounded time.
-- A place of 0.1 is lower than all of these: what waited before an upgrade is next.
local EPOCH_MS = 1767225600000
local STEPS = 8192
local AGE_MS = 60000

-- What comes before all numbers of a moment. A job that is handed out at its push stands there, should it come back.
local function first_seq(now) return (now - EPOCH_MS) * STEPS end

-- Numbers for so many jobs that are pushed now, each higher than any before: the one before the first. One command, for the last push was
-- nearly always in a moment before.
local function next_seq(queue, now, many)
  local key, before = queue .. ":seq", first_seq(now)
  local last = tonumber(redis.call("SET", key, string.format("%d", before + many), "GET") or 0)
  if last <= before then return before end
  redis.call("SET", key, string.format("%d", last + many))
  return last
end

local function place_of(priority, seq)
  return string.format("%d", (100 - priority) * AGE_MS * STEPS + seq)
end
