// Written by `npm run gen` from scripts/*.lua. Do not edit.

import type { Script } from "../redis/index.ts";

/** Adds an event to a task's, if the process that made it has the task. */
export const appendEvent: Script<"start", "task" | "holder" | "event" | "life_ms"> = {
  name: "append_event",
  keys: ["start"],
  values: ["task","holder","event","life_ms"],
  rest: false,
  idempotent: false,
  shape: "integer",
  sha1: "e831c78a7c8b314d66f229593f71afb5be7be817",
  lua: "local start = KEYS[1]\nlocal task = ARGV[1]\nlocal holder = ARGV[2]\nlocal event = ARGV[3]\nlocal life_ms = tonumber(ARGV[4])\nlocal held = redis.call(\"GET\", start .. \":holder:\" .. task)\nif held and held ~= holder then return 0 end\nlocal events = start .. \":events:\" .. task\nlocal last = redis.call(\"XREVRANGE\", events, \"+\", \"-\", \"COUNT\", 1)[1]\nlocal number = last and tonumber(string.match(last[1], \"^%d+\")) + 1 or 1\nredis.call(\"XADD\", events, \"MAXLEN\", \"~\", 10000, number .. \"-1\", \"e\", event)\nredis.call(\"PEXPIRE\", events, life_ms)\nreturn number",
};

/** Takes a task for a process, says that it still has it, or leaves it. */
export const holdTask: Script<"start", "task" | "holder" | "lease_ms"> = {
  name: "hold_task",
  keys: ["start"],
  values: ["task","holder","lease_ms"],
  rest: false,
  idempotent: false,
  shape: "0 | 1",
  sha1: "7384d067294d3fc2424faed1f48e6bd50dfe3a69",
  lua: "local start = KEYS[1]\nlocal task = ARGV[1]\nlocal holder = ARGV[2]\nlocal lease_ms = tonumber(ARGV[3])\nlocal key = start .. \":holder:\" .. task\nlocal held = redis.call(\"GET\", key)\nif held and held ~= holder then return 0 end\nif lease_ms == 0 then redis.call(\"DEL\", key) else redis.call(\"SET\", key, holder, \"PX\", lease_ms) end\nreturn 1",
};

/** Ids of an owner's tasks, those whose status changed last first: a page of them, and how many there are (by state or context: some at a call). */
export const listTasks: Script<"start", "owner" | "state" | "context" | "life_ms" | "after_ms" | "last_ms" | "last_id" | "from" | "limit"> = {
  name: "list_tasks",
  keys: ["start"],
  values: ["owner","state","context","life_ms","after_ms","last_ms","last_id","from","limit"],
  rest: false,
  idempotent: true,
  shape: "[integer, integer, (text, text)...]",
  sha1: "671a3be0e99951b5349ff42d74faf2dfcccefe9c",
  lua: "local start = KEYS[1]\nlocal owner = ARGV[1]\nlocal state = ARGV[2]\nlocal context = ARGV[3]\nlocal life_ms = tonumber(ARGV[4])\nlocal after_ms = tonumber(ARGV[5])\nlocal last_ms = ARGV[6]\nlocal last_id = ARGV[7]\nlocal from = tonumber(ARGV[8])\nlocal limit = tonumber(ARGV[9])\nlocal order, info = start .. \":order:\" .. owner, start .. \":info:\" .. owner\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal since = \"(\" .. string.format(\"%.0f\", math.max(after_ms, now - life_ms))\nlocal first = 0\nif last_ms ~= \"\" then\nif tonumber(redis.call(\"ZSCORE\", order, last_id) or -1) == tonumber(last_ms) then first = redis.call(\"ZREVRANK\", order, last_id) + 1\nelse first = redis.call(\"ZCOUNT\", order, \"(\" .. last_ms, \"+inf\") end\nend\nif state == \"\" and context == \"\" then\nlocal reply = { -1, redis.call(\"ZCOUNT\", order, since, \"+inf\") }\nlocal ids = redis.call(\"ZREVRANGEBYSCORE\", order, \"+inf\", since, \"WITHSCORES\", \"LIMIT\", first, limit)\nfor at = 1, #ids do reply[at + 2] = ids[at] end\nreturn reply\nend\nlocal digest = context == \"\" and \"\" or redis.sha1hex(context)\nlocal ids = redis.call(\"ZREVRANGEBYSCORE\", order, \"+inf\", since, \"WITHSCORES\", \"LIMIT\", from, 1000)\nlocal reply, names, count = { #ids == 2 * 1000 and from + 1000 or -1, 0 }, {}, 0\nfor at = 1, #ids, 2 do names[#names + 1] = ids[at] end\nlocal known = #names > 0 and redis.call(\"HMGET\", info, unpack(names)) or {}\nfor at, name in ipairs(names) do\nlocal of_state, of_context = string.match(known[at] or \"\", \"^(%S+) (%S+)$\")\nif not of_state or ((state == \"\" or of_state == state) and (digest == \"\" or of_context == digest)) then\ncount = count + 1\nif from + at > first and #reply < 2 + 2 * limit then\nreply[#reply + 1] = name\nreply[#reply + 1] = ids[2 * at]\nend\nend\nend\nreply[2] = count\nreturn reply",
};

/** Keeps a task as it is now; one that has ended stays as it ended. */
export const putTask: Script<"start", "owner" | "id" | "record" | "ended" | "state" | "context" | "stamp_ms" | "life_ms" | "room"> = {
  name: "put_task",
  keys: ["start"],
  values: ["owner","id","record","ended","state","context","stamp_ms","life_ms","room"],
  rest: false,
  idempotent: true,
  shape: "0 | 1",
  sha1: "5a43317f8d422e4178ffeda66c29368971dc272a",
  lua: "local start = KEYS[1]\nlocal owner = ARGV[1]\nlocal id = ARGV[2]\nlocal record = ARGV[3]\nlocal ended = ARGV[4]\nlocal state = ARGV[5]\nlocal context = ARGV[6]\nlocal stamp_ms = tonumber(ARGV[7])\nlocal life_ms = tonumber(ARGV[8])\nlocal room = tonumber(ARGV[9])\nlocal key, over, order = start .. \":task:\" .. owner .. \"/\" .. id, start .. \":ended:\" .. owner .. \"/\" .. id, start .. \":order:\" .. owner\nlocal info = start .. \":info:\" .. owner\nif ended == \"0\" and redis.call(\"EXISTS\", over) == 1 then return 0 end\nredis.call(\"SET\", key, record, \"PX\", life_ms)\nif ended == \"1\" then redis.call(\"SET\", over, \"1\", \"PX\", life_ms) end\nredis.call(\"ZADD\", order, stamp_ms, id)\nredis.call(\"HSET\", info, id, state .. \" \" .. redis.sha1hex(context))\nfor _, old in ipairs(redis.call(\"ZRANGEBYSCORE\", order, \"-inf\", stamp_ms - life_ms, \"LIMIT\", 0, 1000)) do\nredis.call(\"ZREM\", order, old)\nredis.call(\"HDEL\", info, old)\nend\nredis.call(\"PEXPIRE\", order, life_ms)\nredis.call(\"PEXPIRE\", info, life_ms)\nfor _, old in ipairs(redis.call(\"ZRANGE\", order, 0, -room - 1)) do\nredis.call(\"ZREM\", order, old)\nredis.call(\"HDEL\", info, old)\nredis.call(\"DEL\", start .. \":task:\" .. owner .. \"/\" .. old, start .. \":ended:\" .. owner .. \"/\" .. old)\nend\nreturn 1",
};
