-- How a topic stands: what is in it, and how far its groups are.
-- KEYS topic         start of the topic's keys
-- ARGV groups_max    groups that are told of, the first by name, >= 0
-- REPLY {}: nobody published to it or read it; else { partitions, messages it holds at most or "", messages, bytes or -1 where the server does not tell them, how many groups, dead letters of all groups, then for each group that is told of: group, when it was last read or set (ms), messages that it has not done with at most, readers at work, dead letters }
-- SHAPE [] | [integer, text, integer, integer, integer, integer, (text, text, integer, integer, integer)...]
-- IDEMPOTENT
local topic = KEYS[1]
local groups_max = tonumber(ARGV[1])
-- INCLUDE topic
-- INCLUDE partitions
local meta = redis.call("HMGET", topic .. ":meta", "partitions", "room")
if not meta[1] then return {} end
local partitions = partitions_of(meta[1]) or PARTITIONS_MAX
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local messages, bytes = 0, 0
local function count_bytes(key)
  local used = bytes >= 0 and redis.pcall("MEMORY", "USAGE", key)
  if type(used) == "number" then bytes = bytes + used elseif used then bytes = -1 end
end
local ends = {}
for partition = 0, partitions - 1 do
  local log = topic .. ":log:" .. partition
  ends[partition] = ends_of(log)
  messages = messages + ends[partition].length
  count_bytes(log)
end
local seen, names = {}, {}
local known = redis.call("HGETALL", topic .. ":groups")
for at = 1, #known, 2 do
  seen[known[at]] = known[at + 1]
  names[#names + 1] = known[at]
end
table.sort(names)
local dead, reply = 0, {}
for nth, group in ipairs(names) do
  local aside = redis.call("XLEN", topic .. ":dead:" .. group)
  dead = dead + aside
  if aside > 0 then count_bytes(topic .. ":dead:" .. group) end
  if nth <= groups_max then
    local lag = 0
    for partition = 0, partitions - 1 do
      -- A partition that no reader of the group had yet is behind by nothing: it begins at its end, or at its start once there is a reader.
      local last, number = string.match(redis.call("HGET", topic .. ":cursors", group .. "/" .. partition) or "", "^(%S+) (%d+)$")
      local of = ends[partition]
      if last and last ~= of.last then lag = lag + math.max(0, math.min(of.length, of.added - tonumber(number))) end
    end
    local readers = redis.call("ZCOUNT", topic .. ":readers:" .. group, string.format("(%.0f", now), "+inf")
    for _, word in ipairs({ group, seen[group], lag, readers, aside }) do reply[#reply + 1] = word end
  end
end
local head = { partitions, meta[2] or "", messages, bytes, #names, dead }
for _, word in ipairs(reply) do head[#head + 1] = word end
return head
