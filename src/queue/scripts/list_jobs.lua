-- Ids of a tenant's jobs of one state, those that are next or newest first.
-- KEYS queue    start of the queue's keys
-- ARGV tenant   whose jobs
-- ARGV state    waiting, blocked, delayed, running, dead, or ended: whatever ended lately
-- ARGV offset   how many are passed over, >= 0
-- ARGV limit    how many at most, > 0
-- REPLY ids
-- IDEMPOTENT it only reads
local queue = KEYS[1]
local tenant = ARGV[1]
local state = ARGV[2]
local offset = tonumber(ARGV[3])
local limit = tonumber(ARGV[4])
-- INCLUDE jobs
local LOOK_MAX = 10000
local PAGE = 100
if state == "waiting" then return redis.call("ZRANGE", queue .. ":ready:" .. tenant, offset, offset + limit - 1) end
if state == "blocked" then return redis.call("ZRANGE", queue .. ":blocked:" .. tenant, offset, offset + limit - 1) end
if state == "ended" then return redis.call("LRANGE", queue .. ":ended:" .. tenant, offset, offset + limit - 1) end
if state == "dead" and redis.call("EXISTS", queue .. ":dead:" .. tenant) == 1 then
  return redis.call("ZREVRANGE", queue .. ":dead:" .. tenant, offset, offset + limit - 1)
end
-- These are kept together for all tenants; so many are looked at and no more.
local all = queue .. (state == "delayed" and ":delayed" or state == "running" and ":leases" or ":dead")
local ids = state == "dead" and redis.call("ZREVRANGE", all, 0, LOOK_MAX - 1) or redis.call("ZRANGE", all, 0, LOOK_MAX - 1)
local own = {}
for first = 1, #ids, PAGE do
  local page = { unpack(ids, first, math.min(#ids, first + PAGE - 1)) }
  local jobs = read_jobs(queue, page)
  for _, id in ipairs(page) do
    if #own >= limit then return own end
    if jobs[id] and jobs[id][TENANT] == tenant then
      if offset > 0 then offset = offset - 1 else own[#own + 1] = id end
    end
  end
end
return own
