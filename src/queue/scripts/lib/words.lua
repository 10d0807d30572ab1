-- A queue's keys begin with its own name, which bears the hash tag: jobs and tenants are known only once they are met, and lie in its slot.
-- States of a job: blocked (others must be done first), waiting, delayed, suspended (until a signal comes), running, cancelling, done, dead, cancelled. A job is a line of
-- words (":job:") in the order of these constants, an empty one where there is nothing, so that many are read and written by one command.
-- ":body:" is what was asked, until something came of it: then that.
local LATER_MAX = 100
-- A waiting worker says so once a second.
local IDLE_MS = 5000
local STATE = 1
local FENCE = 2
local LOG = 3
-- Marks: others depend on it, it has notes.
local FLAGS = 4
local NEEDED = "1"
local NOTED = "n"
local BODY = 5
local ENDED = 6
local REASON = 7
local WAITS = 8
local PLACE = 9
local MADE = 10
local TENANT = 11
local DELAY = 12
local LEFT = 13
local LIVES = 14
local OF = 15
local KIND = 16
local LIFE = 17
local BRIEF = 18
-- Until when it waits for its first worker: empty once one took it, and where there is no bound. Of a blocked one how long, behind a plus sign.
local UNTIL = 19
local FROM_DUE = "+"
local LINE = "^(%l+) (%d*) ([%d:]*) ([1n]*) (%l+) (%d*) ([^ ]*) ([%d.]+) ([^ ]+) (%d+) ([^ ]+) (%d+) (%d+) (%d+) (%d+) ([^ ]+) (%d+) (%d+) (%+?%d*)$"
-- One that may be given out.
local READY = "^waiting  [%d:]* [1n]* %l+ %d* [^ ]* [%d.]+ [^ ]+ %d+ [^ ]+ %d+ %d+ %d+ %d+ [^ ]+ %d+ %d+ %+?%d*$"
-- What is known of one that was cut off behind its tenant: when it was made and whose it is.
local OWNER = "^%l+ %d* [%d:]* [1n]* %l+ %d* [^ ]* [%d.]+ [^ ]+ (%d%d%d%d%d%d%d%d%d%d%d%d%d) ([^ ]+) "

-- A time as text: made once for all jobs of a script, for Lua is slow at it.
local stamped, stamp_text
local function stamp(ms)
  if ms ~= stamped then
    stamped, stamp_text = ms, string.format("%d", ms)
  end
  return stamp_text
end
