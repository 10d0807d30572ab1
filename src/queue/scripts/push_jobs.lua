-- Puts jobs into a queue, each once for its idempotency key; all or none when there is no room.
-- KEYS queue      start of the queue's keys
-- ARGV tenant     whose jobs they are
-- ARGV backlog    how many jobs of the tenant may wait, > 0
-- ARGV idem_ms    how long an idempotency key is known, > 0
-- ARGV jobs...    for each job: id, payload, priority (0..100), delay_ms, attempts, crashes, life_ms (of its result), idempotency key ("": none), digest of what it was pushed with, brief_ms (life of its output; "": life_ms), kind ("": job), ids of those that must be done first, wait_ms ("": no bound)
-- REPLY for each job: the id (of the first one with its key), or "!" when the key or the id came with something else, "?" when one that must be done first is none of the tenant's or will never be done; one "full" when there is no room
-- IDEMPOTENT an id that is there already is not put again
local queue = KEYS[1]
local tenant = ARGV[1]
local backlog = tonumber(ARGV[2])
local idem_ms = tonumber(ARGV[3])
-- INCLUDE jobs
-- INCLUDE puts
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ready = queue .. ":ready:" .. tenant
local waiting = redis.call("ZCARD", ready)
if waiting + (#ARGV - 3) / 13 > backlog then return { "full" } end
local reply, pushed, seq = {}, false, nil
for at = 4, #ARGV, 13 do
  local id, payload, priority, delay = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local key, digest = ARGV[at + 7], ARGV[at + 8]
  local after = ARGV[at + 11]
  local first
  if after ~= "" and not all_there(queue, tenant, after) then first = "?" end
  if not first and key ~= "" then
    local idem = queue .. ":idem:" .. tenant .. ":" .. key
    local known = redis.call("GET", idem)
    if known then
      local other, with = string.match(known, "^(%S+) (.*)$")
      if with == digest then first = other else first = "!" end
    else
      redis.call("SET", idem, id .. " " .. digest, "PX", idem_ms)
    end
  end
  local owner = not first and redis.call("HGET", queue .. ":job:" .. id, "tenant")
  if owner then first = owner == tenant and id or "!" end
  if first then
    reply[#reply + 1] = first
  else
    seq = seq or redis.call("INCRBY", queue .. ":seq", (#ARGV - 3) / 13) - (#ARGV - 3) / 13
    seq = seq + 1
    local worker, lease_ms
    if #ARGV == 16 and delay == 0 and after == "" then worker, lease_ms = find_waiter(queue) end
    if put_job(queue, tenant, id, payload, priority, delay, ARGV[at + 4], ARGV[at + 5], ARGV[at + 6], ARGV[at + 9], ARGV[at + 10], after, ARGV[at + 12], now, seq, waiting == 0, worker) then
      waiting = waiting + 1
    end
    if worker then
      hand_over(queue, tenant, id, payload, ARGV[at + 4], ARGV[at + 5], time, worker, lease_ms)
    else
      pushed = true
    end
    reply[#reply + 1] = id
  end
end
if pushed then wake(queue) end
return reply
