-- Puts jobs into a queue, each once for its idempotency key; all or none when there is no room.
-- KEYS queue      start of the queue's keys
-- ARGV tenant     whose jobs they are
-- ARGV backlog    how many jobs of the tenant may wait, > 0
-- ARGV idem_ms    how long an idempotency key is known once its job is due, > 0; no longer than the job
-- ARGV here       a worker of the caller's process, which is handed a job by the reply; empty: none
-- ARGV jobs...    for each job its words and its payload. Words: id, priority (0..100), wait_ms (empty: no bound), idempotency key (empty: none), digest of what it was pushed with (after "=": it takes the place of the first one that waits still), ids of those that must be done first with commas between; delay_ms, attempts, crashes, attempts, kind, life_ms of its result, of its output
-- REPLY for each job: the id (of the first one with its key); of one that is handed to the worker "here" its line behind it; or "!" when the key or the id came with something else, "?" when one that must be done first is none of the tenant's or will never be done; one "full" when there is no room
-- SHAPE [text, (text)...]
-- IDEMPOTENT an id that is there already is not put again
local queue = KEYS[1]
local tenant = ARGV[1]
local backlog = tonumber(ARGV[2])
local idem_ms = tonumber(ARGV[3])
local here = ARGV[4]
-- INCLUDE words
-- INCLUDE relay/fence
-- INCLUDE new_line
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local many = (#ARGV - 4) / 2
-- Takes the worker that waits out of its place, by a command that is refused while memory is full, whether one waits or not: nothing behind one
-- that needs no memory would be refused. What ends in the past is gone at once.
local idle = redis.call("SET", queue .. ":idle", "", "XX", "GET", "PXAT", 1)
-- While a worker waits nothing else does: it is handed a job that comes alone and plain, if it is the caller's or listens at this node, as if
-- it had asked. This comes before all else, for the worker is idle meanwhile.
local worker, lease_ms
if idle and many == 1 then worker, lease_ms = string.match(idle, "^(%S+) (%d+)$") end
if worker and redis.call("SISMEMBER", queue .. ":paused", tenant) == 0 and (worker == here or redis.call("PUBSUB", "NUMSUB", queue .. ":hand:" .. worker)[2] > 0) then
  local new, payload = { string.match(ARGV[5], NEW) }, ARGV[6]
  local id, line = new[ID], nil
  if new[KEY] == "" and new[AFTER] == "" and new[NEW_DELAY] == "0" then
    line = new_line(tenant, new, 0, now, first_seq(now), next_fence(queue, time))
  end
  if line and redis.call("MSETNX", queue .. ":job:" .. id, line, queue .. ":body:" .. id, payload) == 1 then
    redis.call("ZADD", queue .. ":leases", now + lease_ms, id)
    if worker == here then return { id, line } end
    -- What is packed or large it fetches.
    local plain = #payload < 4096 and string.sub(payload, 1, 2) == "\1\0"
    redis.call("PUBLISH", queue .. ":hand:" .. worker, id .. " " .. line .. "\n" .. (plain and string.sub(payload, 3) or ""))
    return { id }
  end
end
if idle then redis.call("PUBLISH", queue .. ":wake", "1") end
-- INCLUDE jobs
-- INCLUDE puts
-- INCLUDE replaces
local waiting = redis.call("ZCARD", queue .. ":ready:" .. tenant)
if waiting + redis.call("ZCARD", queue .. ":blocked:" .. tenant) + many > backlog then return { "full" } end
local news, ids = {}, {}
for at = 1, many do
  news[at] = { string.match(ARGV[2 * at + 3], NEW) }
  ids[at] = news[at][ID]
end
local owners, fresh = {}, {}
for id, job in pairs(read_jobs(queue, ids)) do owners[id] = job[TENANT] end

-- Whether a job is there to stay: one that is taken away while it runs is gone with its end.
local function stays(id)
  local job = read_jobs(queue, { id })[id]
  return job and not (job[STATE] == "cancelling" and job[LIFE] == "1")
end

local reply, seq = {}, nil
for at, new in ipairs(news) do
  local id, key, after = new[ID], new[KEY], new[AFTER]
  local waits, first, digest = 0, nil, new[DIGEST]
  local replaces = string.sub(digest, 1, 1) == REPLACE
  if replaces then digest = string.sub(digest, 2) end
  if key ~= "" then
    local idem = queue .. ":idem:" .. tenant .. ":" .. key
    local other, with = string.match(redis.call("GET", idem) or "", "^(%S+) (.*)$")
    -- A key whose job is gone, taken away or its life over, is free again.
    if other and (owners[other] or stays(other)) then
      if not replaces then
        first = with == digest and other or "!"
      elseif replace_job(queue, tenant, other, new, ARGV[2 * at + 4], now) then
        first = other
        local blocked = redis.call("EXISTS", queue .. ":keyed:" .. other) == 1
        redis.call("SET", idem, other .. " " .. digest, "PX", idem_ms + new[NEW_DELAY] + (blocked and LIFE_MAX_MS or 0))
      end
    end
  end
  if not first and owners[id] then first = owners[id] == tenant and id or "!" end
  if not first and after ~= "" then
    local others = ids_in(after)
    -- One that was put in this script is not written yet.
    for _, other in ipairs(others) do
      if fresh[other] then note_puts(queue, tenant, waiting == 0) end
    end
    waits = block(queue, tenant, id, others, true)
    if waits then
      waits = waits + DEPENDENT
      redis.call("SET", queue .. ":after:" .. id, after)
    else
      first = "?"
    end
  end
  if not first then
    if key ~= "" then
      local known_ms = idem_ms + new[NEW_DELAY]
      -- How long it is known counts from when the job is due: nobody knows when that is.
      if waits >= 1 then
        redis.call("SET", queue .. ":keyed:" .. id, idem_ms .. " " .. key)
        known_ms = known_ms + LIFE_MAX_MS
      end
      redis.call("SET", queue .. ":idem:" .. tenant .. ":" .. key, id .. " " .. digest, "PX", known_ms)
    end
    seq = (seq or next_seq(queue, now, many)) + 1
    put_job(queue, tenant, new, ARGV[2 * at + 4], waits, now, seq)
    owners[id], fresh[id] = tenant, true
  end
  reply[at] = first or id
end
note_puts(queue, tenant, waiting == 0)
return reply
