-- Counts the jobs of a queue that wait for a worker, over its tenants; of more than 10,000 tenants in each kind of place the first ones.
-- KEYS queue    start of the queue's keys
-- REPLY { jobs that wait, tenants that have some, tenants paused, 1 when the queue is paused }
-- SHAPE [integer, integer, integer, integer]
-- IDEMPOTENT it only reads, but for marks that say nothing any more
local queue = KEYS[1]
local TENANTS_MAX = 10000
local waiting, tenants = 0, 0
local function add(names)
  for _, tenant in ipairs(names) do
    local own = redis.call("ZCARD", queue .. ":ready:" .. tenant)
    waiting = waiting + own
    if own > 0 then tenants = tenants + 1 end
  end
end
add(redis.call("ZRANGE", queue .. ":ring", 0, TENANTS_MAX - 1))
add(redis.call("SRANDMEMBER", queue .. ":paused", TENANTS_MAX))
-- A tenant at its bound takes no turns, and is marked until somebody counts.
local bound = redis.call("SRANDMEMBER", queue .. ":bound", TENANTS_MAX)
for _, tenant in ipairs(bound) do
  if redis.call("EXISTS", queue .. ":ready:" .. tenant) == 0 then
    redis.call("SREM", queue .. ":bound", tenant)
  elseif not redis.call("ZSCORE", queue .. ":ring", tenant) and redis.call("SISMEMBER", queue .. ":paused", tenant) == 0 then
    add({ tenant })
  end
end
return { waiting, tenants, redis.call("SCARD", queue .. ":paused"), redis.call("EXISTS", queue .. ":halted") }
