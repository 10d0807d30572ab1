// Written by `npm run gen` from scripts/*.lua. Do not edit.

import type { Script } from "../redis/index.ts";

/** Ends the leading of a process. When somebody follows, the rest must be handed on with it. */
export const endFlight: Script<"lease" | "waiting" | "handed" | "group", "id" | "token" | "life_ms" | "from" | "parts"> = {
  name: "end_flight",
  keys: ["lease","waiting","handed","group"],
  values: ["id","token","life_ms","from","parts"],
  rest: true,
  idempotent: true,
  shape: "0 | 1 | 2",
  sha1: "53a7e68d372f3cb8a06f70c111e0f365efc62b8e",
  lua: "local lease = KEYS[1]\nlocal waiting = KEYS[2]\nlocal handed = KEYS[3]\nlocal group = KEYS[4]\nlocal id = ARGV[1]\nlocal token = ARGV[2]\nlocal life_ms = ARGV[3]\nlocal from = tonumber(ARGV[4])\nif redis.call(\"GET\", lease) ~= token then return 0 end\nif from < 0 and redis.call(\"EXISTS\", waiting) == 1 then return 2 end\nif #ARGV > 4 then\nlocal known = redis.call(\"LLEN\", handed)\nif known < from then return redis.call(\"DEL\", lease) * 0 end\nfor i = 5 + known - from, #ARGV do redis.call(\"RPUSH\", handed, ARGV[i]) end\nredis.call(\"PEXPIRE\", handed, life_ms)\nend\nredis.call(\"DEL\", lease, waiting)\nif id ~= \"\" then redis.call(\"HDEL\", group, id) end\nreturn 1",
};

/** Reads what the leading process has handed on, and says that somebody follows. */
export const followFlight: Script<"lease" | "waiting" | "handed", "token" | "from" | "count" | "wait_ms"> = {
  name: "follow_flight",
  keys: ["lease","waiting","handed"],
  values: ["token","from","count","wait_ms"],
  rest: false,
  idempotent: true,
  shape: "[0 | 1, (text)...]",
  sha1: "dbe237e15a9b588370af0d016f32f04fc512e0c8",
  lua: "local lease = KEYS[1]\nlocal waiting = KEYS[2]\nlocal handed = KEYS[3]\nlocal token = ARGV[1]\nlocal from = tonumber(ARGV[2])\nlocal count = tonumber(ARGV[3])\nlocal wait_ms = ARGV[4]\nlocal leads = redis.call(\"GET\", lease) == token and 1 or 0\nif leads == 1 then redis.call(\"SET\", waiting, 1, \"PX\", wait_ms) end\nreturn { leads, unpack(redis.call(\"LRANGE\", handed, from, from + count - 1)) }",
};

/** Joins those who want one thing: the first of them leads, the others follow. */
export const joinFlight: Script<"lease" | "waiting" | "group" | "leases" | "made", "id" | "token" | "lease_ms" | "wait_ms" | "room" | "words" | "look"> = {
  name: "join_flight",
  keys: ["lease","waiting","group","leases","made"],
  values: ["id","token","lease_ms","wait_ms","room","words","look"],
  rest: false,
  idempotent: false,
  shape: "[\"follow\", text] | [\"made\"] | [\"lead\", text]",
  sha1: "f53eb77e94e9be08aae475dfd8eee52c4d19165f",
  lua: "local lease = KEYS[1]\nlocal waiting = KEYS[2]\nlocal group = KEYS[3]\nlocal leases = KEYS[4]\nlocal made = KEYS[5]\nlocal id = ARGV[1]\nlocal token = ARGV[2]\nlocal lease_ms = ARGV[3]\nlocal wait_ms = ARGV[4]\nlocal room = tonumber(ARGV[5])\nlocal words = ARGV[6]\nlocal look = ARGV[7]\nlocal leader = redis.call(\"GET\", lease)\nif leader and leader ~= token then\nredis.call(\"SET\", waiting, 1, \"PX\", wait_ms)\nreturn { \"follow\", leader }\nend\nif look == \"1\" and redis.call(\"EXISTS\", made) == 1 then return { \"made\" } end\nredis.call(\"SET\", lease, token, \"PX\", lease_ms)\nif words == \"\" then return { \"lead\", \"\" } end\nlocal under_way = redis.call(\"HGETALL\", group)\nlocal led, others = {}, {}\nfor i = 1, #under_way, 2 do led[#led + 1] = leases .. under_way[i] end\nlocal are_led = #led == 0 or redis.call(\"EXISTS\", unpack(led)) == #led\nfor i = 1, #under_way, 2 do\nlocal other, its_words = under_way[i], under_way[i + 1]\nif not are_led and redis.call(\"EXISTS\", leases .. other) == 0 then\nredis.call(\"HDEL\", group, other)\nelseif other ~= id then\nothers[#others + 1] = other .. \":\" .. #its_words .. \":\" .. its_words\nend\nend\nif #others < room then\nredis.call(\"HSET\", group, id, words)\nredis.call(\"PEXPIRE\", group, 600000)\nend\nreturn { \"lead\", table.concat(others) }",
};

/** Renews the lease of the process that leads, and hands on what it has so far when somebody follows. */
export const keepFlight: Script<"lease" | "waiting" | "handed", "token" | "lease_ms" | "life_ms" | "from" | "parts"> = {
  name: "keep_flight",
  keys: ["lease","waiting","handed"],
  values: ["token","lease_ms","life_ms","from","parts"],
  rest: true,
  idempotent: true,
  shape: "0 | 1 | 2",
  sha1: "45d0655877d752290b5d8a128b07fbbea36a5805",
  lua: "local lease = KEYS[1]\nlocal waiting = KEYS[2]\nlocal handed = KEYS[3]\nlocal token = ARGV[1]\nlocal lease_ms = ARGV[2]\nlocal life_ms = ARGV[3]\nlocal from = tonumber(ARGV[4])\nif redis.call(\"GET\", lease) ~= token then return 0 end\nredis.call(\"PEXPIRE\", lease, lease_ms)\nif #ARGV > 4 then\nlocal known = redis.call(\"LLEN\", handed)\nif known < from then return redis.call(\"DEL\", lease) * 0 end\nfor i = 5 + known - from, #ARGV do redis.call(\"RPUSH\", handed, ARGV[i]) end\nredis.call(\"PEXPIRE\", handed, life_ms)\nend\nreturn 1 + redis.call(\"EXISTS\", waiting)",
};
