// Written by `npm run gen` from scripts/*.lua. Do not edit.

import type { Script } from "../redis/index.ts";

/** Finds the stored questions nearest to a vector, with their entries. */
export const findSimilar: Script<"vectors" | "due" | "bodies", "vector" | "count" | "effort" | "floor"> = {
  name: "find_similar",
  keys: ["vectors","due","bodies"],
  values: ["vector","count","effort","floor"],
  rest: false,
  idempotent: true,
  sha1: "b1d871b6765b42cd7aad4dfc035b40bc6aa14005",
  lua: "local vectors = KEYS[1]\nlocal due = KEYS[2]\nlocal bodies = KEYS[3]\nlocal vector = ARGV[1]\nlocal count = tonumber(ARGV[2])\nlocal effort = tonumber(ARGV[3])\nlocal floor = tonumber(ARGV[4])\nlocal found = redis.call(\"VSIM\", vectors, \"FP32\", vector, \"WITHSCORES\", \"COUNT\", count, \"EF\", effort)\nlocal reply = {}\nfor i = 1, #found, 2 do\nif tonumber(found[i + 1]) < floor then\nif i == 1 then return { found[1], found[2], \"\" } end\nreturn reply\nend\nlocal record = redis.call(\"GET\", bodies .. found[i])\nif record then\nreply[#reply + 1] = found[i]\nreply[#reply + 1] = found[i + 1]\nreply[#reply + 1] = record\nelse\nredis.call(\"VREM\", vectors, found[i])\nredis.call(\"ZREM\", due, found[i])\nend\nend\nreturn reply",
};

/** Stores an answer under its exact key and, with a vector, among the questions of its partition. */
export const storeEntry: Script<"body" | "vectors" | "due", "id" | "record" | "ttl_ms" | "vector" | "sweep"> = {
  name: "store_entry",
  keys: ["body","vectors","due"],
  values: ["id","record","ttl_ms","vector","sweep"],
  rest: false,
  idempotent: true,
  sha1: "822c3221edeaf686a1fce2f0747e1c9a1b9b43a4",
  lua: "local body = KEYS[1]\nlocal vectors = KEYS[2]\nlocal due = KEYS[3]\nlocal id = ARGV[1]\nlocal record = ARGV[2]\nlocal ttl_ms = tonumber(ARGV[3])\nlocal vector = ARGV[4]\nlocal sweep = tonumber(ARGV[5])\nredis.call(\"SET\", body, record, \"PX\", ttl_ms)\nif vector == \"\" then return 0 end\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal ended = redis.call(\"ZRANGEBYSCORE\", due, \"-inf\", now, \"LIMIT\", 0, sweep)\nfor _, old in ipairs(ended) do\nredis.call(\"VREM\", vectors, old)\nredis.call(\"ZREM\", due, old)\nend\nredis.call(\"VADD\", vectors, \"FP32\", vector, id, \"Q8\", \"EF\", 64, \"M\", 8)\nredis.call(\"ZADD\", due, now + ttl_ms, id)\nfor i = 2, 3 do\nif redis.call(\"PTTL\", KEYS[i]) < ttl_ms then redis.call(\"PEXPIRE\", KEYS[i], ttl_ms) end\nend\nreturn #ended",
};
