-- INCLUDE words
-- INCLUDE places
-- What a job is put with: these words, and the words of its line from DELAY on.
local ID = 1
local PRIORITY = 2
local WAIT = 3
local KEY = 4
local DIGEST = 5
local AFTER = 6
local REST = 7
local NEW_DELAY = 8
local NEW = "^(%S+) (%d+) (%d*) (%S*) (%S*) (%S*) ((%d+) .*)$"

-- Until when a job waits for a worker that is due then; of one that is blocked, how long from when it is due. Empty: no bound.
local function wait_bound(wait, blocked, due)
  if wait == "" then return "" end
  return blocked and FROM_DUE .. wait or string.format("%d", due + wait)
end

-- The line of a new job, its state and its place. fence: it is a worker's already; waits: for how many others it waits.
local function new_line(tenant, new, waits, now, seq, fence)
  local delay = tonumber(new[NEW_DELAY])
  local place = place_of(new[PRIORITY], seq)
  local state = fence and "running" or waits >= 1 and "blocked" or delay > 0 and "delayed" or "waiting"
  local bound = fence and "" or wait_bound(new[WAIT], state == "blocked", now + delay)
  return state .. " " .. (fence or "") .. "   in   " .. (waits > 0 and waits or "0") .. " " .. place .. " " .. stamp(now) .. " " .. tenant .. " " .. new[REST] .. " " .. bound, state, place
end
