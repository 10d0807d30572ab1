-- Corrects what was taken from each rule, where its window is still counted.
-- KEYS counters...   one string a rule, as take_windows writes it; all in one slot
-- ARGV rules...      for each rule: window_ms (> 0), taken_at_ms (server time of the take), delta (integer, may be negative)
-- REPLY how many rules were corrected
local corrected = 0
for i = 1, #KEYS do
  local length, taken_at, delta = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local stored = redis.call("GET", KEYS[i])
  if stored and delta ~= 0 then
    local w, c, p = string.match(stored, "^(%d+):(%d+):(%d+)$")
    local window, current, previous = tonumber(w), tonumber(c), tonumber(p)
    local taken = math.floor(taken_at / length)
    if taken == window then
      current = math.max(0, current + delta)
    elseif taken == window - 1 then
      previous = math.max(0, previous + delta)
    else
      taken = nil
    end
    if taken then
      corrected = corrected + 1
      redis.call("SET", KEYS[i], string.format("%.0f:%.0f:%.0f", window, current, previous), "KEEPTTL")
    end
  end
end
return corrected
