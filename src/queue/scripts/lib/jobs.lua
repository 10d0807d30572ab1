-- A queue's keys begin with its own name, which bears the hash tag: jobs and tenants are known only once they are met, and lie in its slot.
-- States of a job: blocked (others must be done first), waiting, delayed, running, cancelling, done, dead, cancelled. What was asked (":in:")
-- and what came of it (":out:") are strings of their own, so that the job itself stays small.
local LATER_MAX = 100
-- A waiting worker says so once a second.
local IDLE_MS = 5000
local TENANT = 1
local STATE = 2
local FENCE = 3
local LEFT = 4
local LIVES = 5
local PLACE = 6
local LIFE = 7
local LOG = 8
local KIND = 9
local NEXT = 10
local DELAY = 11
local BRIEF = 12

-- The fields of a job that its transitions need, in the order of their constants.
local function read_job(queue, id)
  return redis.call("HMGET", queue .. ":job:" .. id, "tenant", "state", "fence", "left", "lives", "place", "life", "log", "kind", "next", "delay", "brief")
end

-- Lets a tenant that has work take its turn among the others, no later than the one whose turn it is.
local function enter_ring(queue, tenant)
  local first = redis.call("ZRANGE", queue .. ":ring", 0, 0, "WITHSCORES")
  redis.call("ZADD", queue .. ":ring", "NX", first[2] or 0, tenant)
end

-- Puts a job where the next turn of its tenant finds it.
local function make_ready(queue, id, tenant, place)
  redis.call("HSET", queue .. ":job:" .. id, "state", "waiting")
  if redis.call("ZADD", queue .. ":ready:" .. tenant, place, id) == 1 then enter_ring(queue, tenant) end
end

-- Tells waiting workers that there is something to do.
local function wake(queue)
  if redis.call("DEL", queue .. ":idle") == 1 then redis.call("PUBLISH", queue .. ":wake", "1") end
end
