// Written by `npm run gen` from scripts/*.lua. Do not edit.

import type { Script } from "../redis/index.ts";

/** Counts the items of a namespace that have not ended, and says what they take. */
export const countItems: Script<"set" | "items" | "due", never> = {
  name: "count_items",
  keys: ["set","items","due"],
  values: [],
  rest: false,
  idempotent: true,
  sha1: "a4326274451a699302880fc98d03f3d2b74ee81a",
  lua: "local set = KEYS[1]\nlocal items = KEYS[2]\nlocal due = KEYS[3]\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal count = redis.call(\"HLEN\", items) - redis.call(\"ZCOUNT\", due, \"-inf\", now)\nlocal function bytes(key) return redis.call(\"MEMORY\", \"USAGE\", key) or 0 end\nreturn { count, redis.call(\"VCARD\", set), bytes(set), bytes(items) }",
};

/** Deletes items by id. */
export const deleteItems: Script<"set" | "items" | "due", "ids"> = {
  name: "delete_items",
  keys: ["set","items","due"],
  values: ["ids"],
  rest: true,
  idempotent: true,
  sha1: "7226759a8e2cbe43116f25baf71908d59540d242",
  lua: "local set = KEYS[1]\nlocal items = KEYS[2]\nlocal due = KEYS[3]\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal deleted = 0\nfor _, id in ipairs(ARGV) do\nlocal ends = redis.call(\"ZSCORE\", due, id)\nlocal had = redis.call(\"HDEL\", items, id)\nredis.call(\"ZREM\", due, id)\nredis.call(\"VREM\", set, id)\nif not (ends and tonumber(ends) <= now) then deleted = deleted + had end\nend\nreturn deleted",
};

/** Reads items by id. */
export const readItems: Script<"items" | "due", "ids"> = {
  name: "read_items",
  keys: ["items","due"],
  values: ["ids"],
  rest: true,
  idempotent: true,
  sha1: "ea2b75f253e6946908f878a608e4e967f86eda29",
  lua: "local items = KEYS[1]\nlocal due = KEYS[2]\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal records = redis.call(\"HMGET\", items, unpack(ARGV))\nlocal ends = redis.call(\"ZMSCORE\", due, unpack(ARGV))\nfor i = 1, #ARGV do\nif ends[i] and tonumber(ends[i]) <= now then records[i] = false end\nend\nreturn records",
};

/** Puts another record and other attributes in place of an item's, if it is still what was read. */
export const replaceItem: Script<"set" | "items", "id" | "before" | "attributes" | "record"> = {
  name: "replace_item",
  keys: ["set","items"],
  values: ["id","before","attributes","record"],
  rest: false,
  idempotent: false,
  sha1: "4d9e5d8520c4ce72946b0421ad0a2a97daf928f7",
  lua: "local set = KEYS[1]\nlocal items = KEYS[2]\nlocal id = ARGV[1]\nlocal before = ARGV[2]\nlocal attributes = ARGV[3]\nlocal record = ARGV[4]\nif redis.call(\"HGET\", items, id) ~= before then return 0 end\nredis.call(\"VSETATTR\", set, id, attributes)\nredis.call(\"HSET\", items, id, record)\nreturn 1",
};

/** Finds the items nearest to a vector. */
export const searchItems: Script<"set" | "items" | "due" | "contract", "agreed" | "vector" | "limit" | "spare" | "filter" | "exact" | "exact_below" | "effort"> = {
  name: "search_items",
  keys: ["set","items","due","contract"],
  values: ["agreed","vector","limit","spare","filter","exact","exact_below","effort"],
  rest: false,
  idempotent: true,
  sha1: "74fdaf3ca126288da4366789a9e0a2a2d464faa0",
  lua: "local set = KEYS[1]\nlocal items = KEYS[2]\nlocal due = KEYS[3]\nlocal contract = KEYS[4]\nlocal agreed = ARGV[1]\nlocal vector = ARGV[2]\nlocal limit = tonumber(ARGV[3])\nlocal spare = tonumber(ARGV[4])\nlocal filter = ARGV[5]\nlocal exact = ARGV[6]\nlocal exact_below = tonumber(ARGV[7])\nlocal effort = tonumber(ARGV[8])\nlocal known = redis.call(\"GET\", contract)\nif not known then return {} end\nif known ~= agreed then return known end\nlocal count = limit + spare\nlocal command = { \"VSIM\", set, \"FP32\", vector, \"WITHSCORES\", \"COUNT\", count, \"EF\", math.max(effort, count) }\nif filter ~= \"\" then\ncommand[#command + 1] = \"FILTER\"\ncommand[#command + 1] = filter\nif exact ~= \"1\" and redis.call(\"VCARD\", set) <= exact_below then exact = \"1\" end\ncommand[#command + 1] = \"FILTER-EF\"\ncommand[#command + 1] = math.max(effort * 20, count * 100)\nend\nif exact == \"1\" then command[#command + 1] = \"TRUTH\" end\nlocal found = redis.call(unpack(command))\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal reply = {}\nfor i = 1, #found, 2 do\nif #reply >= limit * 3 then break end\nlocal ends = redis.call(\"ZSCORE\", due, found[i])\nlocal record = redis.call(\"HGET\", items, found[i])\nif record and not (ends and tonumber(ends) <= now) then\nreply[#reply + 1] = found[i]\nreply[#reply + 1] = found[i + 1]\nreply[#reply + 1] = record\nend\nend\nreturn reply",
};

/** Stores items of one namespace, all in one step. */
export const upsertItems: Script<"set" | "items" | "due" | "contract", "agreed" | "quantisation" | "sweep" | "rows"> = {
  name: "upsert_items",
  keys: ["set","items","due","contract"],
  values: ["agreed","quantisation","sweep","rows"],
  rest: true,
  idempotent: true,
  sha1: "6f632843044ad65fd20c6cc3a382a034edfa8805",
  lua: "local set = KEYS[1]\nlocal items = KEYS[2]\nlocal due = KEYS[3]\nlocal contract = KEYS[4]\nlocal agreed = ARGV[1]\nlocal quantisation = ARGV[2]\nlocal sweep = tonumber(ARGV[3])\nlocal known = redis.call(\"GET\", contract)\nif known and known ~= agreed then return known end\nif not known then redis.call(\"SET\", contract, agreed) end\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nfor _, old in ipairs(redis.call(\"ZRANGEBYSCORE\", due, \"-inf\", now, \"LIMIT\", 0, sweep)) do\nredis.call(\"VREM\", set, old)\nredis.call(\"HDEL\", items, old)\nredis.call(\"ZREM\", due, old)\nend\nlocal new = 0\nfor i = 4, #ARGV, 5 do\nlocal id, ttl_ms = ARGV[i], tonumber(ARGV[i + 4])\nredis.call(\"VADD\", set, \"FP32\", ARGV[i + 1], id, quantisation, \"SETATTR\", ARGV[i + 2])\nnew = new + redis.call(\"HSET\", items, id, ARGV[i + 3])\nif ttl_ms > 0 then\nredis.call(\"ZADD\", due, now + ttl_ms, id)\nelse\nredis.call(\"ZREM\", due, id)\nend\nend\nreturn new",
};
