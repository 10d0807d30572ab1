// Written by `npm run gen` from scripts/*.lua. Do not edit.

import type { Script } from "../redis/index.ts";

/** Counts bytes that a scope keeps: books them for a thing, moves a booking to another name, or takes it back; what is over counts no more. */
export const bookBytes: Script<"ends" | "sizes", "name" | "bytes" | "life_ms" | "bytes_max" | "from"> = {
  name: "book_bytes",
  keys: ["ends","sizes"],
  values: ["name","bytes","life_ms","bytes_max","from"],
  rest: false,
  idempotent: false,
  sha1: "8ec5f563b417c879ccbdeb7f5a7e551826f9b6e1",
  lua: "local ends = KEYS[1]\nlocal sizes = KEYS[2]\nlocal name = ARGV[1]\nlocal bytes = tonumber(ARGV[2])\nlocal life_ms = tonumber(ARGV[3])\nlocal bytes_max = tonumber(ARGV[4])\nlocal from = ARGV[5]\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal function add(thing, more)\nlocal size = tonumber(redis.call(\"HGET\", sizes, thing) or \"0\")\nlocal after = math.max(0, size + more)\nredis.call(\"HINCRBY\", sizes, \"\", after - size)\nif after == 0 then\nredis.call(\"HDEL\", sizes, thing)\nredis.call(\"ZREM\", ends, thing)\nelse\nredis.call(\"HSET\", sizes, thing, after)\nend\nreturn after\nend\nfor _, thing in ipairs(redis.call(\"ZRANGEBYSCORE\", ends, \"-inf\", now, \"LIMIT\", 0, 100)) do\nadd(thing, -tonumber(redis.call(\"HGET\", sizes, thing) or \"0\"))\nredis.call(\"ZREM\", ends, thing)\nend\nif from ~= \"\" then\nlocal moved = tonumber(redis.call(\"HGET\", sizes, from) or \"0\")\nadd(from, -moved)\nbytes = bytes + moved\nelseif bytes > 0 then\nlocal kept = tonumber(redis.call(\"HGET\", sizes, \"\") or \"0\")\nif kept + bytes > bytes_max then return math.max(1, kept) end\nend\nif add(name, bytes) > 0 then redis.call(\"ZADD\", ends, \"GT\", now + life_ms, name) end\nreturn 0",
};

/** Changes the record of an API key that is there; one that was ended meanwhile stays ended. */
export const changeKey: Script<"keys", "digest" | "before" | "record"> = {
  name: "change_key",
  keys: ["keys"],
  values: ["digest","before","record"],
  rest: false,
  idempotent: false,
  sha1: "236e17e2154b23fe7f787329c9fac67b0c007013",
  lua: "local keys = KEYS[1]\nlocal digest = ARGV[1]\nlocal before = ARGV[2]\nlocal record = ARGV[3]\nif redis.call(\"HGET\", keys, digest) ~= before then return 0 end\nredis.call(\"HSET\", keys, digest, record)\nreturn 1",
};

/** Makes the very first API key, once in the life of an installation. */
export const createFirstKey: Script<"keys" | "installed", "digest" | "record"> = {
  name: "create_first_key",
  keys: ["keys","installed"],
  values: ["digest","record"],
  rest: false,
  idempotent: true,
  sha1: "58a8e78d8dbac5e6e5c6633fbc0c07c744ee8149",
  lua: "local keys = KEYS[1]\nlocal installed = KEYS[2]\nlocal digest = ARGV[1]\nlocal record = ARGV[2]\nif redis.call(\"HGET\", keys, digest) == record then return 1 end\nif redis.call(\"HLEN\", keys) > 0 then\nredis.call(\"SET\", installed, \"1\")\nreturn 0\nend\nif redis.call(\"EXISTS\", installed) == 1 then return -1 end\nredis.call(\"HSET\", keys, digest, record)\nredis.call(\"SET\", installed, \"1\")\nreturn 1",
};

/** Adds to what was spent on a day: by key, user and model while there is room for more of them, else under "(other)". */
export const noteSpend: Script<"day", "rows_max" | "life_ms" | "rows"> = {
  name: "note_spend",
  keys: ["day"],
  values: ["rows_max","life_ms","rows"],
  rest: true,
  idempotent: false,
  sha1: "1e0fee9da0725862eb4f58ba396ac2f34bc4f48c",
  lua: "local day = KEYS[1]\nlocal rows_max = tonumber(ARGV[1])\nlocal life_ms = ARGV[2]\nlocal WHAT = { \"requests\", \"promptTokens\", \"completionTokens\", \"micros\" }\nlocal turned_away = 0\nfor at = 3, #ARGV, 6 do\nlocal row = ARGV[at]\nif redis.call(\"HEXISTS\", day, row .. \"|requests\") == 0 and redis.call(\"HLEN\", day) >= rows_max * #WHAT then\nrow = ARGV[at + 1]\nturned_away = turned_away + 1\nend\nfor n, what in ipairs(WHAT) do\nlocal amount = ARGV[at + 1 + n]\nif amount ~= \"0\" then redis.call(\"HINCRBY\", day, row .. \"|\" .. what, amount) end\nend\nend\nredis.call(\"PEXPIRE\", day, life_ms)\nreturn turned_away",
};

/** Notes that a key speaks for a user; a key brings a bounded number of users that it did not speak for lately. */
export const noteUser: Script<"users" | "fresh", "user" | "known_ms" | "window_ms" | "fresh_max" | "users_max"> = {
  name: "note_user",
  keys: ["users","fresh"],
  values: ["user","known_ms","window_ms","fresh_max","users_max"],
  rest: false,
  idempotent: false,
  sha1: "8629270e044d4cb6bb1f086a947df018258eaf1e",
  lua: "local users = KEYS[1]\nlocal fresh = KEYS[2]\nlocal user = ARGV[1]\nlocal known_ms = tonumber(ARGV[2])\nlocal window_ms = tonumber(ARGV[3])\nlocal fresh_max = tonumber(ARGV[4])\nlocal users_max = tonumber(ARGV[5])\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal seen = tonumber(redis.call(\"ZSCORE\", users, user) or \"0\")\nif seen <= now - known_ms then\nredis.call(\"ZREMRANGEBYSCORE\", users, \"-inf\", now - known_ms)\nif redis.call(\"ZCARD\", users) >= users_max then\nlocal oldest = redis.call(\"ZRANGE\", users, 0, 0, \"WITHSCORES\")[2]\nreturn math.max(1, tonumber(oldest) + known_ms - now)\nend\nlocal count = tonumber(redis.call(\"GET\", fresh) or \"0\")\nif count >= fresh_max then\nreturn math.max(1, redis.call(\"PTTL\", fresh))\nend\nredis.call(\"INCR\", fresh)\nif count == 0 then redis.call(\"PEXPIRE\", fresh, window_ms) end\nend\nredis.call(\"ZADD\", users, now, user)\nredis.call(\"PEXPIRE\", users, known_ms)\nreturn 0",
};
