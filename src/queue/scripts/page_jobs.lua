-- Ids of a tenant's jobs of one state from a place on, those that are next or newest first.
-- KEYS queue    start of the queue's keys
-- ARGV tenant   whose jobs
-- ARGV state    waiting, blocked, delayed, running, dead, or ended: whatever ended lately
-- ARGV after    how many are passed over, >= 0: of the tenant's, or of all tenants' where these are kept together
-- ARGV skip     how many of the tenant's are passed over from there on, >= 0
-- ARGV limit    how many at most, > 0
-- REPLY { the next page's `after`, -1 when there are no more; its `skip`; ids, also none where all that was looked at is of others }
-- SHAPE [integer, integer, [(text)...]]
-- IDEMPOTENT it only reads
local queue = KEYS[1]
local tenant = ARGV[1]
local state = ARGV[2]
local after = tonumber(ARGV[3])
local skip = tonumber(ARGV[4])
local limit = tonumber(ARGV[5])
-- INCLUDE jobs
local LOOK_MAX = 250

-- A page of a list of the tenant's own, read with one more.
local function page_of(command, list)
  local first = after + skip
  local ids = redis.call(command, queue .. ":" .. list .. ":" .. tenant, first, first + limit)
  if #ids <= limit then return { -1, 0, ids } end
  ids[#ids] = nil
  return { first + limit, 0, ids }
end
if state == "waiting" then return page_of("ZRANGE", "ready") end
if state == "blocked" then return page_of("ZRANGE", "blocked") end
if state == "ended" then return page_of("LRANGE", "ended") end
if state == "dead" and redis.call("EXISTS", queue .. ":dead:" .. tenant) == 1 then return page_of("ZREVRANGE", "dead") end
-- These are kept together for all tenants; so many are looked at in one script.
local all = queue .. (state == "delayed" and ":delayed" or state == "running" and ":leases" or ":dead")
local ids = redis.call(state == "dead" and "ZREVRANGE" or "ZRANGE", all, after, after + LOOK_MAX)
local own, jobs = {}, read_jobs(queue, ids)
for at, id in ipairs(ids) do
  if #own == limit or at > LOOK_MAX then return { after + at - 1, skip, own } end
  if jobs[id] and jobs[id][TENANT] == tenant then
    if skip > 0 then skip = skip - 1 else own[#own + 1] = id end
  end
end
return { -1, 0, own }
