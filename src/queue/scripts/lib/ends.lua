-- INCLUDE outbox
local DEAD_LIFE_MS = 604800000
local LIFE_MAX_MS = 31622400000
local HISTORY_MAX = 1000
local HISTORY_SLACK = 100

-- Takes a job off what its tenant has running, which may let the tenant take turns again.
local function leave_running(queue, tenant, id)
  redis.call("SREM", queue .. ":running:" .. tenant, id)
  if redis.call("EXISTS", queue .. ":ready:" .. tenant) == 1 then enter_ring(queue, tenant) end
end

local TRIES_MAX = 10

-- Keeps why an attempt failed, beside those of the last ones: a line of the time, the reason and the message.
local function note_try(queue, id, job, reason, message, now)
  local lines = {}
  for line in string.gmatch(redis.call("GET", queue .. ":tries:" .. id) or "", "[^\n]+") do lines[#lines + 1] = line end
  if #lines >= TRIES_MAX then table.remove(lines, 1) end
  lines[#lines + 1] = stamp(now) .. " " .. reason .. " " .. message
  redis.call("SET", queue .. ":tries:" .. id, table.concat(lines, "\n"))
  job[REASON] = reason
end

-- What ended in this script: how many by state, and which by tenant.
local ends, ended_of = {}, {}

-- Ends one job for good. Its result stays for a life, its output for a brief one; what was asked stays where nothing came of it.
local function end_one(queue, id, job, state, body, reason, now)
  local tenant, life = job[TENANT], job[LIFE]
  if job[STATE] == "blocked" then unblock(queue, tenant, id, 0) end
  if state == "dead" then
    -- What died keeps what it was asked, to be given another go.
    life = math.max(tonumber(life), DEAD_LIFE_MS)
    for _, dead in ipairs({ queue .. ":dead", queue .. ":dead:" .. tenant }) do
      redis.call("ZADD", dead, now, id)
      redis.call("ZREMRANGEBYSCORE", dead, "-inf", now - LIFE_MAX_MS)
    end
    if redis.call("PTTL", queue .. ":dead:" .. tenant) < life then redis.call("PEXPIRE", queue .. ":dead:" .. tenant, life) end
  end
  if body == "" then
    redis.call("PEXPIRE", queue .. ":body:" .. id, life)
  else
    redis.call("SET", queue .. ":body:" .. id, body, "PX", life)
    job[BODY] = "out"
  end
  if job[LOG] ~= "" then redis.call("PEXPIRE", queue .. ":log:" .. id, job[BRIEF]) end
  if string.find(job[FLAGS], NOTED, 1, true) then
    -- Another go of what died finds the steps that it did.
    redis.call("PEXPIRE", queue .. ":notes:" .. id, state == "dead" and life or 1)
  end
  if tonumber(job[WAITS]) ~= 0 then redis.call("PEXPIRE", queue .. ":after:" .. id, life) end
  -- A reason from before says that an attempt failed.
  if job[REASON] ~= "" then redis.call("PEXPIRE", queue .. ":tries:" .. id, life) end
  job[STATE], job[ENDED], job[REASON] = state, stamp(now), reason
  redis.call("SET", queue .. ":job:" .. id, table.concat(job, " "), "PX", life)
  announce(queue, tenant, id, job[KIND], state, reason, now)
  ends[state] = (ends[state] or 0) + 1
  local list = ended_of[tenant] or {}
  ended_of[tenant] = list
  list[#list + 1] = id
end

-- A job whose line cannot be read as one that can, of which no more is known than whose it is.
local function restored(tenant, now)
  return { "waiting", "", "", NEEDED .. NOTED, "in", "", "", "0", "0", stamp(now), tenant, "0", "1", "1", "1", "job", stamp(DEAD_LIFE_MS), stamp(DEAD_LIFE_MS), "" }
end

-- Jobs that one script lets go on, or ends, because another one ended: further ones are left to the next scripts.
local DEPENDENTS_MAX = 100
local room = DEPENDENTS_MAX

-- Lets one job go on that waited for another one, or ends it: it waited in vain. Adds to over what ended by that and others wait for.
local function let_go(queue, tenant, child, held, state, over, now)
  if held[STATE] == UNREADABLE then
    unblock(queue, tenant, child, 0)
    held = restored(tenant, now)
    note_try(queue, child, held, "corrupt_record", "", now)
    end_one(queue, child, held, "dead", "", "corrupt_record", now)
    over[#over + 1] = { child, "dead", tenant }
  elseif held[STATE] == "blocked" then
    held[WAITS] = held[WAITS] - 1
    local wait = string.match(held[UNTIL], "^%+(%d+)$")
    if wait and held[WAITS] < 1 then held[UNTIL] = string.format("%d", now + held[DELAY] + wait) end
    if state ~= "done" then
      end_one(queue, child, held, "dead", "", "dependency", now)
      if string.find(held[FLAGS], NEEDED, 1, true) then over[#over + 1] = { child, "dead", tenant } end
    elseif held[WAITS] >= 1 then
      write_job(queue, child, held)
    elseif held[DELAY] ~= "0" then
      unblock(queue, tenant, child, held[DELAY])
      held[STATE] = "delayed"
      write_job(queue, child, held)
      redis.call("ZADD", queue .. ":delayed", now + held[DELAY], child)
    else
      make_ready(queue, child, held)
    end
  end
end

-- Lets go on what waits for jobs that are over (each id, state, tenant), as far as there is room. What is left is noted for the next scripts.
local function settle_over(queue, over, now)
  local at = 1
  while over[at] and room > 0 do
    local id, state, tenant = unpack(over[at])
    local children = redis.call("SPOP", queue .. ":next:" .. id, room)
    for child, held in pairs(read_jobs(queue, children)) do let_go(queue, tenant, child, held, state, over, now) end
    room = room - #children - 1
    if room >= 0 then at = at + 1 end
  end
  for rest = at, #over do redis.call("RPUSH", queue .. ":over", table.concat(over[rest], " ")) end
  wake(queue)
end

-- Goes on with what scripts before left. Tells whether there is more. One that goes again meanwhile, by a redrive, ends again.
local function settle_rest(queue, now)
  if room <= 0 then return redis.call("EXISTS", queue .. ":over") == 1 end
  local over, ids = {}, {}
  for at, words in ipairs(redis.call("LPOP", queue .. ":over", room) or {}) do
    over[at] = { string.match(words, "^(%S+) (%S+) (%S+)$") }
    ids[at] = over[at][1]
  end
  if #ids == 0 then return false end
  local jobs, ended = read_jobs(queue, ids), {}
  for _, one in ipairs(over) do
    local job = jobs[one[1]]
    if not job or job[STATE] == one[2] then ended[#ended + 1] = one end
  end
  settle_over(queue, ended, now)
  return redis.call("EXISTS", queue .. ":over") == 1
end

-- Ends a job, and lets go on what waited for it; what waited in vain is dead.
local function finish(queue, id, job, state, body, reason, now)
  end_one(queue, id, job, state, body, reason, now)
  if string.find(job[FLAGS], NEEDED, 1, true) then settle_over(queue, { { id, state, job[TENANT] } }, now) end
end

-- Ends a job whose line cannot be read. One whose tenant is not known either stays as it is for as long as what is dead, among the dead of all.
local function bury(queue, id, line, tenant, now)
  local made, owner = string.match(line, OWNER)
  tenant = tenant or owner
  if not tenant then
    redis.call("ZADD", queue .. ":dead", now, id)
    for _, part in ipairs({ ":job:", ":body:", ":tries:", ":notes:", ":log:" }) do redis.call("PEXPIRE", queue .. part .. id, DEAD_LIFE_MS) end
    return
  end
  local job = restored(tenant, made or now)
  redis.call("PEXPIRE", queue .. ":log:" .. id, DEAD_LIFE_MS)
  note_try(queue, id, job, "corrupt_record", "", now)
  finish(queue, id, job, "dead", "", "corrupt_record", now)
end

-- Writes down what ended in this script: last of all.
local function note_ends(queue)
  for state, count in pairs(ends) do redis.call("HINCRBY", queue .. ":counts", state, count) end
  for tenant, ids in pairs(ended_of) do
    local history = queue .. ":ended:" .. tenant
    -- What ended before the last ones would not stay.
    if redis.call("LPUSH", history, unpack(ids, math.max(1, #ids - HISTORY_MAX + 1))) > HISTORY_MAX + HISTORY_SLACK then redis.call("LTRIM", history, 0, HISTORY_MAX - 1) end
    redis.call("PEXPIRE", history, DEAD_LIFE_MS)
  end
end
