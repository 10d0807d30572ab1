-- Takes from every rule or from none, by weighted sliding windows.
-- KEYS counters...   one string a rule, "window:current:previous"; all in one slot
-- ARGV rules...      for each rule: limit (>= 0), window_ms (> 0), cost (>= 0), all integers
-- REPLY { now_ms, refused, wait_ms, used, used, ... }: refused is the rule to wait longest for (1..n; 0 = taken),
-- REPLY wait_ms until it would allow this cost (-1 = never), used is what each rule counts after this call
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stored = redis.call("MGET", unpack(KEYS))
local refused, longest = 0, -2
local windows, currents, previouses, used = {}, {}, {}, {}
for i = 1, #KEYS do
  local limit, length, cost = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local window = math.floor(now / length)
  local current, previous = 0, 0
  if stored[i] then
    local w, c, p = string.match(stored[i], "^(%d+):(%d+):(%d+)$")
    w = tonumber(w)
    -- A window ahead of ours means that the clock went back (a fail-over): keep counting in it, never forget.
    if w >= window then
      window, current, previous = w, tonumber(c), tonumber(p)
    elseif w == window - 1 then
      previous = tonumber(c)
    end
  end
  local elapsed = math.max(0, now - window * length)
  local count = current + math.ceil(previous * (length - elapsed) / length)
  windows[i], currents[i], previouses[i], used[i] = window, current, previous, count
  if count + cost > limit then
    local wait
    if cost > limit then
      wait = -1
    elseif current + cost <= limit then
      wait = math.ceil(length * (1 - (limit - current - cost) / previous)) - elapsed
    else
      wait = length - elapsed + math.ceil(length * (1 - (limit - cost) / current))
    end
    if wait == -1 then
      refused, longest = i, math.huge
    elseif wait > longest then
      refused, longest = i, math.max(1, wait)
    end
  end
end
if refused == 0 then
  for i = 1, #KEYS do
    local length, cost = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
    if cost > 0 then
      used[i] = used[i] + cost
      local value = string.format("%.0f:%.0f:%.0f", windows[i], currents[i] + cost, previouses[i])
      redis.call("SET", KEYS[i], value, "PX", 2 * length)
    end
  end
end
if longest == math.huge then longest = -1 end
return { now, refused, longest, unpack(used) }
