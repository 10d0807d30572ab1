-- Ids of a tenant's jobs of one state from a place on, those that are next or newest first.
-- KEYS queue    start of the queue's keys
-- ARGV tenant   whose jobs
-- ARGV state    waiting, blocked, delayed, running, dead, or ended: whatever ended lately
-- ARGV after    how many are passed over, >= 0: of the tenant's, or of all tenants' where these are kept together
-- ARGV limit    how many at most, > 0
-- REPLY { the same for the next page, -1 when there are no more; ids, also none where all that was looked at is of others }
-- IDEMPOTENT it only reads
local queue = KEYS[1]
local tenant = ARGV[1]
local state = ARGV[2]
local after = tonumber(ARGV[3])
local limit = tonumber(ARGV[4])
-- INCLUDE jobs
local LOOK_MAX = 250

-- A page of a list of the tenant's own, read with one more.
local function page_of(ids)
  if #ids <= limit then return { -1, ids } end
  ids[#ids] = nil
  return { after + limit, ids }
end
if state == "waiting" then return page_of(redis.call("ZRANGE", queue .. ":ready:" .. tenant, after, after + limit)) end
if state == "blocked" then return page_of(redis.call("ZRANGE", queue .. ":blocked:" .. tenant, after, after + limit)) end
if state == "ended" then return page_of(redis.call("LRANGE", queue .. ":ended:" .. tenant, after, after + limit)) end
if state == "dead" and redis.call("EXISTS", queue .. ":dead:" .. tenant) == 1 then
  return page_of(redis.call("ZREVRANGE", queue .. ":dead:" .. tenant, after, after + limit))
end
local all = queue .. (state == "delayed" and ":delayed" or state == "running" and ":leases" or ":dead")
local ids = redis.call(state == "dead" and "ZREVRANGE" or "ZRANGE", all, after, after + LOOK_MAX)
local own, jobs = {}, read_jobs(queue, ids)
for at, id in ipairs(ids) do
  if #own == limit or at > LOOK_MAX then return { after + at - 1, own } end
  if jobs[id] and jobs[id][TENANT] == tenant then own[#own + 1] = id end
end
return { -1, own }
