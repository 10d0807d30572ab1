// Written by `npm run gen` from scripts/*.lua. Do not edit.

import type { Script } from "../redis/index.ts";

/** Appends turns to a session's log, once for each idempotency key, and renews its life. */
export const appendTurns: Script<"log" | "meta" | "ids", "id" | "expected" | "ttl_ms" | "max_turns" | "max_ids" | "records"> = {
  name: "append_turns",
  keys: ["log","meta","ids"],
  values: ["id","expected","ttl_ms","max_turns","max_ids","records"],
  rest: true,
  idempotent: true,
  sha1: "5d97e4fc9987d3471c5f0be9bb360a3dfc4c451e",
  lua: "local log = KEYS[1]\nlocal meta = KEYS[2]\nlocal ids = KEYS[3]\nlocal id = ARGV[1]\nlocal expected = tonumber(ARGV[2])\nlocal ttl_ms = tonumber(ARGV[3])\nlocal max_turns = tonumber(ARGV[4])\nlocal max_ids = tonumber(ARGV[5])\nlocal made = redis.call(\"ZSCORE\", ids, id)\nif made then return { 0, tonumber(made) } end\nlocal version = tonumber(redis.call(\"HGET\", meta, \"version\") or 0)\nif expected >= 0 and expected ~= version then return { -1, version } end\nif version == 0 then\nlocal time = redis.call(\"TIME\")\nredis.call(\"HSET\", meta, \"created\", string.format(\"%.0f\", time[1] * 1000 + math.floor(time[2] / 1000)))\nend\nfor i = 6, #ARGV do redis.call(\"RPUSH\", log, ARGV[i]) end\nversion = redis.call(\"HINCRBY\", meta, \"version\", #ARGV - 5)\nredis.call(\"LTRIM\", log, -max_turns, -1)\nredis.call(\"ZADD\", ids, version, id)\nredis.call(\"ZREMRANGEBYRANK\", ids, 0, -max_ids - 1)\nfor i = 1, 3 do redis.call(\"PEXPIRE\", KEYS[i], ttl_ms) end\nreturn { 1, version }",
};

/** Reads the newest turns of a session and renews its life. */
export const readTurns: Script<"log" | "meta" | "ids", "last" | "ttl_ms"> = {
  name: "read_turns",
  keys: ["log","meta","ids"],
  values: ["last","ttl_ms"],
  rest: false,
  idempotent: true,
  sha1: "919b7fd6e70ceac9c4f18a5a7b3f86573c84d7dd",
  lua: "local log = KEYS[1]\nlocal meta = KEYS[2]\nlocal ids = KEYS[3]\nlocal last = tonumber(ARGV[1])\nlocal ttl_ms = tonumber(ARGV[2])\nlocal version = tonumber(redis.call(\"HGET\", meta, \"version\") or 0)\nif version == 0 then return { 0 } end\nfor i = 1, 3 do redis.call(\"PEXPIRE\", KEYS[i], ttl_ms) end\nreturn { version, unpack(redis.call(\"LRANGE\", log, -last, -1)) }",
};
