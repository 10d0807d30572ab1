-- A queue's keys begin with its own name, which bears the hash tag: jobs and tenants are known only once they are met, and lie in its slot.
-- States of a job: blocked (others must be done first), waiting, delayed, running, cancelling, done, dead, cancelled. A job is a line of
-- words (":job:") in the order of these constants, an empty one where there is nothing, so that many are read and written by one command.
-- ":body:" is what was asked, until something came of it: then that.
local LATER_MAX = 100
-- A waiting worker says so once a second.
local IDLE_MS = 5000
local STATE = 1
local FENCE = 2
local UNTIL = 3
local LOG = 4
local NEXT = 5
local BODY = 6
local ENDED = 7
local REASON = 8
local WAITS = 9
local PLACE = 10
local TENANT = 12
local DELAY = 13
local LEFT = 14
local LIVES = 15
local OF = 16
local KIND = 17
local LIFE = 18
local BRIEF = 19
local LINE = "^(%S*) (%S*) (%S*) (%S*) (%S*) (%S*) (%S*) (%S*) (%S*) (%S*) (%S*) (%S*) (%S*) (%S*) (%S*) (%S*) (%S*) (%S*) (%S*)$"
