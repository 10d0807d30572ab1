// Written by `npm run gen` from scripts/*.lua. Do not edit.

import type { Script } from "../redis/index.ts";

/** Corrects what was taken from each rule, where its window is still counted. */
export const settleWindows: Script<"counters", "rules"> = {
  name: "settle_windows",
  keys: ["counters"],
  values: ["rules"],
  rest: true,
  idempotent: false,
  sha1: "77ea4413fea2bc0e1722277a428f9cdf0bcb54ca",
  lua: "local corrected = 0\nfor i = 1, #KEYS do\nlocal length, taken_at, delta = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])\nlocal stored = redis.call(\"GET\", KEYS[i])\nif stored and delta ~= 0 then\nlocal w, c, p = string.match(stored, \"^(%d+):(%d+):(%d+)$\")\nlocal window, current, previous = tonumber(w), tonumber(c), tonumber(p)\nlocal taken = math.floor(taken_at / length)\nif taken == window then\ncurrent = math.max(0, current + delta)\nelseif taken == window - 1 then\nprevious = math.max(0, previous + delta)\nelse\ntaken = nil\nend\nif taken then\ncorrected = corrected + 1\nredis.call(\"SET\", KEYS[i], string.format(\"%.0f:%.0f:%.0f\", window, current, previous), \"KEEPTTL\")\nend\nend\nend\nreturn corrected",
};

/** Takes from every rule or from none, by weighted sliding windows. */
export const takeWindows: Script<"counters", "rules"> = {
  name: "take_windows",
  keys: ["counters"],
  values: ["rules"],
  rest: true,
  idempotent: false,
  sha1: "fd5e4450b66114090d5e680a1c2207bb1474a0fe",
  lua: "local time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal stored = redis.call(\"MGET\", unpack(KEYS))\nlocal refused, longest = 0, -2\nlocal windows, currents, previouses, used = {}, {}, {}, {}\nfor i = 1, #KEYS do\nlocal limit, length, cost = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])\nlocal window = math.floor(now / length)\nlocal current, previous = 0, 0\nif stored[i] then\nlocal w, c, p = string.match(stored[i], \"^(%d+):(%d+):(%d+)$\")\nw = tonumber(w)\nif w >= window then\nwindow, current, previous = w, tonumber(c), tonumber(p)\nelseif w == window - 1 then\nprevious = tonumber(c)\nend\nend\nlocal elapsed = math.max(0, now - window * length)\nlocal count = current + math.ceil(previous * (length - elapsed) / length)\nwindows[i], currents[i], previouses[i], used[i] = window, current, previous, count\nif count + cost > limit then\nlocal wait\nif cost > limit then\nwait = -1\nelseif current + cost <= limit then\nwait = math.ceil(length * (1 - (limit - current - cost) / previous)) - elapsed\nelse\nwait = length - elapsed + math.ceil(length * (1 - (limit - cost) / current))\nend\nif wait == -1 then\nrefused, longest = i, math.huge\nelseif wait > longest then\nrefused, longest = i, math.max(1, wait)\nend\nend\nend\nif refused == 0 then\nfor i = 1, #KEYS do\nlocal length, cost = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])\nif cost > 0 then\nused[i] = used[i] + cost\nlocal value = string.format(\"%.0f:%.0f:%.0f\", windows[i], currents[i] + cost, previouses[i])\nredis.call(\"SET\", KEYS[i], value, \"PX\", 2 * length)\nend\nend\nend\nif longest == math.huge then longest = -1 end\nreturn { now, refused, longest, unpack(used) }",
};
