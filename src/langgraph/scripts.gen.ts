// Written by `npm run gen` from scripts/*.lua. Do not edit.

import type { Script } from "../redis/index.ts";

/** Puts a checkpoint of a thread, with the values of its channels that are new, and renews the thread's life. */
export const putCheckpoint: Script<"order" | "checkpoints" | "values" | "writes", "member" | "record" | "channels" | "ttl_ms" | "fresh"> = {
  name: "put_checkpoint",
  keys: ["order","checkpoints","values","writes"],
  values: ["member","record","channels","ttl_ms","fresh"],
  rest: true,
  idempotent: true,
  shape: "1",
  sha1: "80ab6e4ce43d1b15a0ac8ff76105d398af868b8a",
  lua: "local order = KEYS[1]\nlocal checkpoints = KEYS[2]\nlocal values = KEYS[3]\nlocal writes = KEYS[4]\nlocal member = ARGV[1]\nlocal record = ARGV[2]\nlocal channels = ARGV[3]\nlocal ttl_ms = tonumber(ARGV[4])\nredis.call(\"ZADD\", order, 0, member)\nredis.call(\"HSET\", checkpoints, member, record, member .. \"|\", channels)\nfor i = 5, #ARGV, 2 do redis.call(\"HSET\", values, ARGV[i], ARGV[i + 1]) end\nif ttl_ms > 0 then\nfor i = 1, 4 do redis.call(\"PEXPIRE\", KEYS[i], ttl_ms) end\nend\nreturn 1",
};

/** Puts an item of a graph's store, or takes it away. */
export const putItemOfStore: Script<"items" | "order", "field" | "record" | "take"> = {
  name: "put_item_of_store",
  keys: ["items","order"],
  values: ["field","record","take"],
  rest: false,
  idempotent: true,
  shape: "integer",
  sha1: "fab45da9b95c22b28db33651b89aedc6151ca322",
  lua: "local items = KEYS[1]\nlocal order = KEYS[2]\nlocal field = ARGV[1]\nlocal record = ARGV[2]\nlocal take = ARGV[3]\nif take == \"1\" then\nredis.call(\"HDEL\", items, field)\nredis.call(\"ZREM\", order, field)\nreturn 0\nend\nlocal time = redis.call(\"TIME\")\nlocal now = string.format(\"%.0f\", time[1] * 1000 + math.floor(time[2] / 1000))\nlocal known = redis.call(\"HGET\", items, field)\nlocal created = known and string.match(known, \"^(%d+):\") or now\nredis.call(\"HSET\", items, field, created .. \":\" .. now .. \":\" .. record)\nredis.call(\"ZADD\", order, 0, field)\nreturn tonumber(created)",
};

/** Keeps writes of a task that belong to a checkpoint, each once, and renews the thread's life. */
export const putWrites: Script<"order" | "checkpoints" | "values" | "writes", "member" | "ttl_ms" | "added"> = {
  name: "put_writes",
  keys: ["order","checkpoints","values","writes"],
  values: ["member","ttl_ms","added"],
  rest: true,
  idempotent: true,
  shape: "integer",
  sha1: "0e650e5ff498b553a73ab040e09903b293ad935c",
  lua: "local order = KEYS[1]\nlocal checkpoints = KEYS[2]\nlocal values = KEYS[3]\nlocal writes = KEYS[4]\nlocal member = ARGV[1]\nlocal ttl_ms = tonumber(ARGV[2])\nlocal known = redis.call(\"HGET\", writes, member) or \"\"\nlocal kept = 0\nfor i = 3, #ARGV, 3 do\nlocal isNew = redis.call(\"HEXISTS\", writes, ARGV[i]) == 0\nif isNew then known = known .. ARGV[i] .. \"\\n\" end\nif isNew or ARGV[i + 2] == \"1\" then\nredis.call(\"HSET\", writes, ARGV[i], ARGV[i + 1])\nkept = kept + 1\nend\nend\nredis.call(\"HSET\", writes, member, known)\nif ttl_ms > 0 then\nfor i = 1, 4 do redis.call(\"PEXPIRE\", KEYS[i], ttl_ms) end\nend\nreturn kept",
};

/** Reads a checkpoint with its values and its pending writes, and renews the thread's life. */
export const readCheckpoint: Script<"order" | "checkpoints" | "values" | "writes", "member" | "ttl_ms"> = {
  name: "read_checkpoint",
  keys: ["order","checkpoints","values","writes"],
  values: ["member","ttl_ms"],
  rest: false,
  idempotent: true,
  shape: "[text, text, integer, (text, text)...] | nil",
  sha1: "c3e5a61dafa6f39a9d8a6a6eb89f9a19a330ae40",
  lua: "local order = KEYS[1]\nlocal checkpoints = KEYS[2]\nlocal values = KEYS[3]\nlocal writes = KEYS[4]\nlocal member = ARGV[1]\nlocal ttl_ms = tonumber(ARGV[2])\nif string.sub(member, -1) == \"|\" then\nmember = redis.call(\"ZREVRANGEBYLEX\", order, \"(\" .. member .. \"\\255\", \"[\" .. member, \"LIMIT\", 0, 1)[1]\nif not member then return nil end\nend\nlocal record = redis.call(\"HGET\", checkpoints, member)\nif not record then return nil end\nif ttl_ms > 0 then\nfor i = 1, 4 do redis.call(\"PEXPIRE\", KEYS[i], ttl_ms) end\nend\nlocal reply = { member, record, 0 }\nlocal function add(hash, fields)\nfor field in string.gmatch(fields or \"\", \"[^\\n]+\") do\nlocal value = redis.call(\"HGET\", hash, field)\nif value then\nreply[#reply + 1] = field\nreply[#reply + 1] = value\nend\nend\nend\nadd(values, redis.call(\"HGET\", checkpoints, member .. \"|\"))\nreply[3] = (#reply - 3) / 2\nadd(writes, redis.call(\"HGET\", writes, member))\nreturn reply",
};
