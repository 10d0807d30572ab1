// Written by `npm run gen` from scripts/*.lua. Do not edit.

import type { Script } from "../redis/index.ts";

/** Lists records of a shelf in the order in which they came, or the other way round. */
export const listRecords: Script<"records" | "order", "after" | "before" | "limit" | "newest_first"> = {
  name: "list_records",
  keys: ["records","order"],
  values: ["after","before","limit","newest_first"],
  rest: false,
  idempotent: true,
  shape: "[0 | 1, (text, text)...] | nil",
  sha1: "6a245ded69919c33429daa0ec7d7de4ecdc329db",
  lua: "local records = KEYS[1]\nlocal order = KEYS[2]\nlocal after = ARGV[1]\nlocal before = ARGV[2]\nlocal limit = tonumber(ARGV[3])\nlocal newest_first = ARGV[4]\nlocal rank = newest_first == \"1\" and \"ZREVRANK\" or \"ZRANK\"\nlocal range = newest_first == \"1\" and \"ZREVRANGE\" or \"ZRANGE\"\nlocal first, last = 0, redis.call(\"ZCARD\", order) - 1\nif after ~= \"\" then\nlocal at = redis.call(rank, order, after)\nif not at then return nil end\nfirst = at + 1\nend\nif before ~= \"\" then\nlocal at = redis.call(rank, order, before)\nif not at then return nil end\nlast = at - 1\nif after == \"\" then first = math.max(0, at - limit) end\nend\nlocal stop = math.min(last, first + limit - 1)\nif stop < first then return { 0 } end\nlocal reply = { stop < last and 1 or 0 }\nif before ~= \"\" and after == \"\" and first > 0 then reply[1] = 1 end\nlocal ids = redis.call(range, order, first, stop)\nfor at, record in ipairs(redis.call(\"HMGET\", records, unpack(ids))) do\nif record then reply[#reply + 1], reply[#reply + 2] = ids[at], record end\nend\nreturn reply",
};

/** Puts a record on a shelf: in place of what was read, or as a new one at its end. */
export const putRecord: Script<"records" | "order" | "weights" | "labels", "id" | "before" | "record" | "label" | "weight" | "room"> = {
  name: "put_record",
  keys: ["records","order","weights","labels"],
  values: ["id","before","record","label","weight","room"],
  rest: false,
  idempotent: false,
  shape: "-1 | 0 | 1",
  sha1: "6a6eacd8da4664768a169af3888fd1ca2e42874c",
  lua: "local records = KEYS[1]\nlocal order = KEYS[2]\nlocal weights = KEYS[3]\nlocal id = ARGV[1]\nlocal before = ARGV[2]\nlocal record = ARGV[3]\nlocal label = tonumber(ARGV[4])\nlocal weight = tonumber(ARGV[5])\nlocal room = tonumber(ARGV[6])\nif (redis.call(\"HGET\", records, id) or \"\") ~= before then return 0 end\nif before == \"\" and redis.call(\"HLEN\", records) >= room then return -1 end\nlocal at = redis.call(\"ZSCORE\", order, id)\nif not at then\nlocal time = redis.call(\"TIME\")\nat = string.format(\"%.0f\", time[1] * 1000000 + time[2])\nredis.call(\"ZADD\", order, at, id)\nend\nfor i = 4, #KEYS do\nif i - 3 == label then\nredis.call(\"ZADD\", KEYS[i], at, id)\nelse\nredis.call(\"ZREM\", KEYS[i], id)\nend\nend\nredis.call(\"HINCRBY\", weights, \"\", weight - (tonumber(redis.call(\"HGET\", weights, id)) or 0))\nredis.call(\"HSET\", weights, id, weight)\nredis.call(\"HSET\", records, id, record)\nreturn 1",
};

/** Takes a record off a shelf. */
export const removeRecord: Script<"records" | "order" | "weights" | "labels", "id"> = {
  name: "remove_record",
  keys: ["records","order","weights","labels"],
  values: ["id"],
  rest: false,
  idempotent: true,
  shape: "0 | 1",
  sha1: "e5f8f3f233b22ffb6e16ed6616085ad8df426dd5",
  lua: "local records = KEYS[1]\nlocal order = KEYS[2]\nlocal weights = KEYS[3]\nlocal id = ARGV[1]\nredis.call(\"ZREM\", order, id)\nfor i = 4, #KEYS do redis.call(\"ZREM\", KEYS[i], id) end\nlocal weight = tonumber(redis.call(\"HGET\", weights, id) or \"0\")\nif weight ~= 0 then redis.call(\"HINCRBY\", weights, \"\", -weight) end\nredis.call(\"HDEL\", weights, id)\nlocal removed = redis.call(\"HDEL\", records, id)\nif redis.call(\"HLEN\", records) == 0 then redis.call(\"DEL\", weights) end\nreturn removed",
};
