-- INCLUDE outbox
local DEAD_LIFE_MS = 604800000
local HISTORY_MAX = 1000

-- Takes a job off what its tenant has running, which may let the tenant take turns again.
local function leave_running(queue, tenant, id)
  redis.call("SREM", queue .. ":running:" .. tenant, id)
  if redis.call("EXISTS", queue .. ":ready:" .. tenant) == 1 then enter_ring(queue, tenant) end
end

-- What ended in this script: how many by state, and which by tenant; and keys of what is not kept.
local ends, ended_of, unkept = {}, {}, {}

-- Ends one job for good. Its result stays for a life, its output for a brief one; what was asked stays where nothing came of it.
local function end_one(queue, id, stored, state, body, reason, now)
  local job, tenant, life = queue .. ":job:" .. id, stored[TENANT], tonumber(stored[LIFE])
  if state == "dead" then
    -- What died keeps what it was asked, to be given another go.
    life = math.max(life, DEAD_LIFE_MS)
    redis.call("ZADD", queue .. ":dead", now, id)
    redis.call("ZREMRANGEBYSCORE", queue .. ":dead", "-inf", now - life)
    redis.call("PEXPIRE", queue .. ":in:" .. id, life)
  elseif body == "" then
    redis.call("PEXPIRE", queue .. ":in:" .. id, life)
  else
    unkept[#unkept + 1] = queue .. ":in:" .. id
  end
  redis.call("HSET", job, "state", state, "ended", now, "reason", reason)
  redis.call("PEXPIRE", job, life)
  if body ~= "" then redis.call("SET", queue .. ":out:" .. id, body, "PX", life) end
  if stored[LOG] then redis.call("PEXPIRE", queue .. ":log:" .. id, stored[BRIEF] or life) end
  announce(queue, tenant, id, stored[KIND] or "job", state, reason, now)
  ends[state] = (ends[state] or 0) + 1
  local list = ended_of[tenant] or {}
  ended_of[tenant] = list
  list[#list + 1] = id
end

-- Ends a job, and lets go on what waited for it; what waited in vain is dead.
local function finish(queue, id, stored, state, body, reason, now)
  end_one(queue, id, stored, state, body, reason, now)
  if not stored[NEXT] then return end
  local over, at = { id, state }, 1
  while over[at] do
    local nexts = queue .. ":next:" .. over[at]
    for _, child in ipairs(redis.call("SMEMBERS", nexts)) do
      local held = read_job(queue, child)
      if held[STATE] == "blocked" then
        if over[at + 1] ~= "done" then
          end_one(queue, child, held, "dead", "", "dependency", now)
          over[#over + 1], over[#over + 2] = child, "dead"
        elseif redis.call("HINCRBY", queue .. ":job:" .. child, "waits", -1) == 0 then
          if held[DELAY] then
            redis.call("HSET", queue .. ":job:" .. child, "state", "delayed")
            redis.call("ZADD", queue .. ":delayed", now + held[DELAY], child)
          else
            make_ready(queue, child, held[TENANT], held[PLACE])
          end
        end
      end
    end
    redis.call("DEL", nexts)
    at = at + 2
  end
  wake(queue)
end

-- Writes down what ended in this script: last of all.
local function note_ends(queue)
  if #unkept > 0 then redis.call("DEL", unpack(unkept)) end
  for state, count in pairs(ends) do redis.call("HINCRBY", queue .. ":counts", state, count) end
  for tenant, ids in pairs(ended_of) do
    local history = queue .. ":ended:" .. tenant
    redis.call("LPUSH", history, unpack(ids))
    redis.call("LTRIM", history, 0, HISTORY_MAX - 1)
    redis.call("PEXPIRE", history, DEAD_LIFE_MS)
  end
end
