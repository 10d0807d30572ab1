-- Ids of an owner's tasks, those whose status changed last first: a page of them, and how many there are (by state or context: some at a call).
-- KEYS start        start of the keys of this agent
-- ARGV owner        whose tasks
-- ARGV state        only those in this state; "": any
-- ARGV context      only those of this context; "": any
-- ARGV life_ms      how long a task is kept, > 0
-- ARGV after_ms     only those whose status changed later than this, >= 0
-- ARGV last_ms      when the status of the last task of the page before changed; "": the first page
-- ARGV last_id      and its id
-- ARGV from         how many the calls before looked at, >= 0
-- ARGV limit        how many ids at most, >= 0
-- REPLY how many were looked at so far, -1 when there are no more; how many of these fit; id and when its status changed, in turn
-- SHAPE [integer, integer, (text, text)...]
-- IDEMPOTENT it only reads
local start = KEYS[1]
local owner = ARGV[1]
local state = ARGV[2]
local context = ARGV[3]
local life_ms = tonumber(ARGV[4])
local after_ms = tonumber(ARGV[5])
local last_ms = ARGV[6]
local last_id = ARGV[7]
local from = tonumber(ARGV[8])
local limit = tonumber(ARGV[9])
local LOOK_MAX = 1000
local order, info = start .. ":order:" .. owner, start .. ":info:" .. owner
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local since = "(" .. string.format("%.0f", math.max(after_ms, now - life_ms))

-- Where the page begins: behind the last task of the page before, or where it was before it changed.
local first = 0
if last_ms ~= "" then
  if tonumber(redis.call("ZSCORE", order, last_id) or -1) == tonumber(last_ms) then first = redis.call("ZREVRANK", order, last_id) + 1
  else first = redis.call("ZCOUNT", order, "(" .. last_ms, "+inf") end
end

if state == "" and context == "" then
  local reply = { -1, redis.call("ZCOUNT", order, since, "+inf") }
  local ids = redis.call("ZREVRANGEBYSCORE", order, "+inf", since, "WITHSCORES", "LIMIT", first, limit)
  for at = 1, #ids do reply[at + 2] = ids[at] end
  return reply
end

local digest = context == "" and "" or redis.sha1hex(context)
local ids = redis.call("ZREVRANGEBYSCORE", order, "+inf", since, "WITHSCORES", "LIMIT", from, LOOK_MAX)
local reply, names, count = { #ids == 2 * LOOK_MAX and from + LOOK_MAX or -1, 0 }, {}, 0
for at = 1, #ids, 2 do names[#names + 1] = ids[at] end
local known = #names > 0 and redis.call("HMGET", info, unpack(names)) or {}
for at, name in ipairs(names) do
  -- What is known of a task that an earlier version kept is only in its record.
  local of_state, of_context = string.match(known[at] or "", "^(%S+) (%S+)$")
  if not of_state or ((state == "" or of_state == state) and (digest == "" or of_context == digest)) then
    count = count + 1
    if from + at > first and #reply < 2 + 2 * limit then
      reply[#reply + 1] = name
      reply[#reply + 1] = ids[2 * at]
    end
  end
end
reply[2] = count
return reply
