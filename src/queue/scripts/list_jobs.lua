-- Ids of a tenant's jobs of one state, those that are next or newest first: a page of them.
-- KEYS queue    start of the queue's keys
-- ARGV tenant   whose jobs
-- ARGV state    waiting, blocked, delayed, running, dead, or ended: whatever ended lately
-- ARGV offset   how many of the tenant's are passed over, >= 0
-- ARGV limit    how many at most, > 0
-- ARGV from     how many of all tenants' pages before looked at, where these are kept together, >= 0
-- REPLY { how many were looked at so far, -1 when there are no more; how many of the tenant's are to be passed over still; ids }
-- IDEMPOTENT it only reads
local queue = KEYS[1]
local tenant = ARGV[1]
local state = ARGV[2]
local offset = tonumber(ARGV[3])
local limit = tonumber(ARGV[4])
local from = tonumber(ARGV[5])
-- INCLUDE jobs
local LOOK_MAX = 250
if state == "waiting" then return { -1, 0, redis.call("ZRANGE", queue .. ":ready:" .. tenant, offset, offset + limit - 1) } end
if state == "blocked" then return { -1, 0, redis.call("ZRANGE", queue .. ":blocked:" .. tenant, offset, offset + limit - 1) } end
if state == "ended" then return { -1, 0, redis.call("LRANGE", queue .. ":ended:" .. tenant, offset, offset + limit - 1) } end
if state == "dead" and redis.call("EXISTS", queue .. ":dead:" .. tenant) == 1 then
  return { -1, 0, redis.call("ZREVRANGE", queue .. ":dead:" .. tenant, offset, offset + limit - 1) }
end
-- These are kept together for all tenants; so many are looked at in one script.
local all = queue .. (state == "delayed" and ":delayed" or state == "running" and ":leases" or ":dead")
local ids = redis.call(state == "dead" and "ZREVRANGE" or "ZRANGE", all, from, from + LOOK_MAX - 1)
local own, jobs = {}, read_jobs(queue, ids)
for at, id in ipairs(ids) do
  if jobs[id] and jobs[id][TENANT] == tenant then
    if offset > 0 then offset = offset - 1 else own[#own + 1] = id end
    if #own >= limit then return { -1, 0, own } end
  end
end
return { #ids == LOOK_MAX and from + #ids or -1, offset, own }
