// Written by `npm run gen` from scripts/*.lua. Do not edit.

import type { Script } from "../redis/index.ts";

/** Finds the stored questions nearest to a vector, with their entries. */
export const findSimilar: Script<"vectors" | "due" | "epoch" | "bodies", "vector" | "count" | "effort" | "floor"> = {
  name: "find_similar",
  keys: ["vectors","due","epoch","bodies"],
  values: ["vector","count","effort","floor"],
  rest: false,
  idempotent: true,
  sha1: "88704c6a8aa94a14c27e47f956649890b7819dc8",
  lua: "local vectors = KEYS[1]\nlocal due = KEYS[2]\nlocal epoch = KEYS[3]\nlocal bodies = KEYS[4]\nlocal vector = ARGV[1]\nlocal count = tonumber(ARGV[2])\nlocal effort = tonumber(ARGV[3])\nlocal floor = tonumber(ARGV[4])\nlocal found = redis.call(\"VSIM\", vectors, \"FP32\", vector, \"WITHSCORES\", \"COUNT\", count, \"EF\", effort)\nlocal reply = { redis.call(\"GET\", epoch) or \"\" }\nfor i = 1, #found, 2 do\nif tonumber(found[i + 1]) < floor then\nif i == 1 then return { reply[1], found[1], found[2], \"\" } end\nreturn reply\nend\nlocal record = redis.call(\"GET\", bodies .. found[i])\nif record then\nreply[#reply + 1] = found[i]\nreply[#reply + 1] = found[i + 1]\nreply[#reply + 1] = record\nelse\nredis.call(\"VREM\", vectors, found[i])\nredis.call(\"ZREM\", due, found[i])\nend\nend\nreturn reply",
};

/** Ends all answers that bear a tag, or all of the cache: what was asked for before now serves no more. They leave with their life. */
export const invalidateTags: Script<"epoch" | "tags", "life_ms" | "names"> = {
  name: "invalidate_tags",
  keys: ["epoch","tags"],
  values: ["life_ms","names"],
  rest: true,
  idempotent: false,
  sha1: "bee6906990f5ab926b39ec8d026982582cf1bafb",
  lua: "local epoch = KEYS[1]\nlocal tags = KEYS[2]\nlocal life_ms = ARGV[1]\nlocal known = redis.call(\"GET\", epoch) or \"0:0\"\nlocal present = tonumber(string.match(known, \"^%d+\")) + 1\nlocal all = tonumber(string.match(known, \":(%d+)\"))\nif #ARGV == 1 then\nall = present\nredis.call(\"DEL\", tags)\nend\nfor i = 2, #ARGV do redis.call(\"HSET\", tags, ARGV[i], present) end\nif #ARGV > 1 then redis.call(\"PEXPIRE\", tags, life_ms) end\nredis.call(\"SET\", epoch, string.format(\"%d:%d\", present, all), \"PX\", life_ms)\nreturn present",
};

/** Stores an answer under its exact key and, with a vector, among the questions of its partition. */
export const storeEntry: Script<"body" | "vectors" | "due" | "epoch", "id" | "record" | "ttl_ms" | "vector" | "sweep" | "since"> = {
  name: "store_entry",
  keys: ["body","vectors","due","epoch"],
  values: ["id","record","ttl_ms","vector","sweep","since"],
  rest: false,
  idempotent: true,
  sha1: "92db0633e9af9172912ce4722d689c9a9da28f90",
  lua: "local body = KEYS[1]\nlocal vectors = KEYS[2]\nlocal due = KEYS[3]\nlocal epoch = KEYS[4]\nlocal id = ARGV[1]\nlocal record = ARGV[2]\nlocal ttl_ms = tonumber(ARGV[3])\nlocal vector = ARGV[4]\nlocal sweep = tonumber(ARGV[5])\nlocal since = ARGV[6]\nif since == \"\" then since = string.match(redis.call(\"GET\", epoch) or \"0\", \"^%d+\") end\nredis.call(\"SET\", body, since .. \":\" .. record, \"PX\", ttl_ms)\nif vector == \"\" then return 0 end\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal ended = redis.call(\"ZRANGEBYSCORE\", due, \"-inf\", now, \"LIMIT\", 0, sweep)\nfor _, old in ipairs(ended) do\nredis.call(\"VREM\", vectors, old)\nredis.call(\"ZREM\", due, old)\nend\nredis.call(\"VADD\", vectors, \"FP32\", vector, id, \"Q8\", \"EF\", 64, \"M\", 8)\nredis.call(\"ZADD\", due, now + ttl_ms, id)\nfor i = 2, 3 do\nif redis.call(\"PTTL\", KEYS[i]) < ttl_ms then redis.call(\"PEXPIRE\", KEYS[i], ttl_ms) end\nend\nreturn #ended",
};
