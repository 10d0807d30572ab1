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

/** Keeps a task as it is now; one that has ended stays as it ended. */
export const putTask: Script<"start", "owner" | "id" | "record" | "ended" | "stamp_ms" | "life_ms" | "room"> = {
  name: "put_task",
  keys: ["start"],
  values: ["owner","id","record","ended","stamp_ms","life_ms","room"],
  rest: false,
  idempotent: true,
  shape: "0 | 1",
  sha1: "74e01cb31b531f763e513f34bda96f3722d600c7",
  lua: "local start = KEYS[1]\nlocal owner = ARGV[1]\nlocal id = ARGV[2]\nlocal record = ARGV[3]\nlocal ended = ARGV[4]\nlocal stamp_ms = tonumber(ARGV[5])\nlocal life_ms = tonumber(ARGV[6])\nlocal room = tonumber(ARGV[7])\nlocal key, over, order = start .. \":task:\" .. owner .. \"/\" .. id, start .. \":ended:\" .. owner .. \"/\" .. id, start .. \":order:\" .. owner\nif ended == \"0\" and redis.call(\"EXISTS\", over) == 1 then return 0 end\nredis.call(\"SET\", key, record, \"PX\", life_ms)\nif ended == \"1\" then redis.call(\"SET\", over, \"1\", \"PX\", life_ms) end\nredis.call(\"ZADD\", order, stamp_ms, id)\nredis.call(\"ZREMRANGEBYSCORE\", order, \"-inf\", stamp_ms - life_ms)\nredis.call(\"PEXPIRE\", order, life_ms)\nfor _, old in ipairs(redis.call(\"ZRANGE\", order, 0, -room - 1)) do\nredis.call(\"ZREM\", order, old)\nredis.call(\"DEL\", start .. \":task:\" .. owner .. \"/\" .. old, start .. \":ended:\" .. owner .. \"/\" .. old)\nend\nreturn 1",
};
