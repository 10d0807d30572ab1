// Written by `npm run gen` from scripts/*.lua. Do not edit.

import type { Script } from "../redis/index.ts";

/** Leaves an upstream's model alone for a time, for every gateway; what lasts longer already is kept. */
export const benchUpstream: Script<"benched", "target" | "for_ms" | "kept_ms"> = {
  name: "bench_upstream",
  keys: ["benched"],
  values: ["target","for_ms","kept_ms"],
  rest: false,
  idempotent: false,
  shape: "1",
  sha1: "a3ba20fefac82091b07b8488553bda060bc7ab46",
  lua: "local benched = KEYS[1]\nlocal target = ARGV[1]\nlocal for_ms = tonumber(ARGV[2])\nlocal kept_ms = tonumber(ARGV[3])\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nredis.call(\"ZREMRANGEBYSCORE\", benched, \"-inf\", now - kept_ms)\nredis.call(\"ZADD\", benched, \"GT\", now + for_ms, target)\nredis.call(\"PEXPIRE\", benched, for_ms + kept_ms, \"NX\")\nredis.call(\"PEXPIRE\", benched, for_ms + kept_ms, \"GT\")\nreturn 1",
};

/** Counts bytes that a scope keeps: books them for a thing, moves a booking to another name, or takes it back; what is over counts no more. */
export const bookBytes: Script<"ends" | "sizes", "name" | "bytes" | "life_ms" | "bytes_max" | "from" | "instead" | "only"> = {
  name: "book_bytes",
  keys: ["ends","sizes"],
  values: ["name","bytes","life_ms","bytes_max","from","instead","only"],
  rest: false,
  idempotent: false,
  shape: "[\"booked\" | \"full\", integer]",
  sha1: "6a4ff2e081ef48997682eed2351e3d284188ba6d",
  lua: "local ends = KEYS[1]\nlocal sizes = KEYS[2]\nlocal name = ARGV[1]\nlocal bytes = tonumber(ARGV[2])\nlocal life_ms = tonumber(ARGV[3])\nlocal bytes_max = tonumber(ARGV[4])\nlocal from = ARGV[5]\nlocal instead = ARGV[6]\nlocal only = tonumber(ARGV[7])\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal function bytes_of(text)\nlocal bytes = tonumber(text or \"0\")\nif not bytes or not (bytes >= 0 and bytes < 9007199254740992) then return nil end\nreturn math.floor(bytes)\nend\nfor key, wanted in pairs({ [ends] = \"zset\", [sizes] = \"hash\" }) do\nlocal type = redis.call(\"TYPE\", key).ok\nif type ~= \"none\" and type ~= wanted then\nredis.call(\"DEL\", ends, sizes)\nbreak\nend\nend\nlocal function mend()\nlocal sum = 0\nif redis.call(\"HLEN\", sizes) > 100000 then\nredis.call(\"DEL\", ends, sizes)\nreturn\nend\nlocal all = redis.call(\"HGETALL\", sizes)\nfor at = 1, #all, 2 do\nlocal bytes = bytes_of(all[at + 1])\nif all[at] ~= \"\" and bytes then\nsum = sum + bytes\nelseif all[at] ~= \"\" then\nredis.call(\"HDEL\", sizes, all[at])\nredis.call(\"ZREM\", ends, all[at])\nend\nend\nredis.call(\"HSET\", sizes, \"\", string.format(\"%.0f\", sum))\nend\nlocal function size_of(thing)\nlocal bytes = bytes_of(redis.call(\"HGET\", sizes, thing))\nif bytes then return bytes end\nmend()\nreturn bytes_of(redis.call(\"HGET\", sizes, thing)) or 0\nend\nlocal function add(thing, more)\nlocal size = size_of(thing)\nlocal after = math.max(0, size + more)\nlocal sum = math.max(0, size_of(\"\") + after - size)\nredis.call(\"HSET\", sizes, \"\", string.format(\"%.0f\", sum))\nif after == 0 then\nredis.call(\"HDEL\", sizes, thing)\nredis.call(\"ZREM\", ends, thing)\nelse\nredis.call(\"HSET\", sizes, thing, string.format(\"%.0f\", after))\nend\nreturn after\nend\nlocal function sweep(most)\nfor _, thing in ipairs(redis.call(\"ZRANGEBYSCORE\", ends, \"-inf\", now, \"LIMIT\", 0, most)) do\nadd(thing, -size_of(thing))\nredis.call(\"ZREM\", ends, thing)\nend\nend\nsweep(100)\nif only >= 0 and size_of(name) ~= only then return { \"booked\", size_of(name) } end\nlocal before = 0\nif instead == \"1\" then before = size_of(name) end\nbytes = bytes - before\nif from ~= \"\" then\nlocal moved = size_of(from)\nadd(from, -moved)\nbytes = bytes + moved\nelseif bytes > 0 then\nlocal kept = size_of(\"\")\nif kept + bytes > bytes_max then return { \"full\", kept } end\nend\nif add(name, bytes) > 0 then redis.call(\"ZADD\", ends, \"GT\", now + life_ms, name) end\nreturn { \"booked\", before }",
};

/** Counts bytes of turns that sessions and conversations of a scope keep already; what is over counts no more. */
export const bookTurns: Script<"ends" | "sizes", "things"> = {
  name: "book_turns",
  keys: ["ends","sizes"],
  values: ["things"],
  rest: true,
  idempotent: false,
  shape: "[\"kept\", integer]",
  sha1: "5e795ebe7b660c073c2ecaa3169fc3730eb74731",
  lua: "local ends = KEYS[1]\nlocal sizes = KEYS[2]\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal function bytes_of(text)\nlocal bytes = tonumber(text or \"0\")\nif not bytes or not (bytes >= 0 and bytes < 9007199254740992) then return nil end\nreturn math.floor(bytes)\nend\nfor key, wanted in pairs({ [ends] = \"zset\", [sizes] = \"hash\" }) do\nlocal type = redis.call(\"TYPE\", key).ok\nif type ~= \"none\" and type ~= wanted then\nredis.call(\"DEL\", ends, sizes)\nbreak\nend\nend\nlocal function mend()\nlocal sum = 0\nif redis.call(\"HLEN\", sizes) > 100000 then\nredis.call(\"DEL\", ends, sizes)\nreturn\nend\nlocal all = redis.call(\"HGETALL\", sizes)\nfor at = 1, #all, 2 do\nlocal bytes = bytes_of(all[at + 1])\nif all[at] ~= \"\" and bytes then\nsum = sum + bytes\nelseif all[at] ~= \"\" then\nredis.call(\"HDEL\", sizes, all[at])\nredis.call(\"ZREM\", ends, all[at])\nend\nend\nredis.call(\"HSET\", sizes, \"\", string.format(\"%.0f\", sum))\nend\nlocal function size_of(thing)\nlocal bytes = bytes_of(redis.call(\"HGET\", sizes, thing))\nif bytes then return bytes end\nmend()\nreturn bytes_of(redis.call(\"HGET\", sizes, thing)) or 0\nend\nlocal function add(thing, more)\nlocal size = size_of(thing)\nlocal after = math.max(0, size + more)\nlocal sum = math.max(0, size_of(\"\") + after - size)\nredis.call(\"HSET\", sizes, \"\", string.format(\"%.0f\", sum))\nif after == 0 then\nredis.call(\"HDEL\", sizes, thing)\nredis.call(\"ZREM\", ends, thing)\nelse\nredis.call(\"HSET\", sizes, thing, string.format(\"%.0f\", after))\nend\nreturn after\nend\nlocal function sweep(most)\nfor _, thing in ipairs(redis.call(\"ZRANGEBYSCORE\", ends, \"-inf\", now, \"LIMIT\", 0, most)) do\nadd(thing, -size_of(thing))\nredis.call(\"ZREM\", ends, thing)\nend\nend\nsweep(500)\nfor i = 1, #ARGV, 3 do\nif add(ARGV[i], tonumber(ARGV[i + 1])) > 0 then redis.call(\"ZADD\", ends, \"GT\", now + tonumber(ARGV[i + 2]), ARGV[i]) end\nend\nreturn { \"kept\", size_of(\"\") }",
};

/** Changes the record of an API key that is there; one that was ended meanwhile stays ended. */
export const changeKey: Script<"keys", "digest" | "before" | "record"> = {
  name: "change_key",
  keys: ["keys"],
  values: ["digest","before","record"],
  rest: false,
  idempotent: false,
  shape: "0 | 1",
  sha1: "236e17e2154b23fe7f787329c9fac67b0c007013",
  lua: "local keys = KEYS[1]\nlocal digest = ARGV[1]\nlocal before = ARGV[2]\nlocal record = ARGV[3]\nif redis.call(\"HGET\", keys, digest) ~= before then return 0 end\nredis.call(\"HSET\", keys, digest, record)\nreturn 1",
};

/** Makes the very first API key, once in the life of an installation. */
export const createFirstKey: Script<"keys" | "installed" | "order", "digest" | "record" | "places"> = {
  name: "create_first_key",
  keys: ["keys","installed","order"],
  values: ["digest","record","places"],
  rest: true,
  idempotent: true,
  shape: "-1 | 0 | 1",
  sha1: "31d5a9dd95d59770ce440e51358f564371dafb7e",
  lua: "local keys = KEYS[1]\nlocal installed = KEYS[2]\nlocal order = KEYS[3]\nlocal digest = ARGV[1]\nlocal record = ARGV[2]\nif redis.call(\"HGET\", keys, digest) == record then return 1 end\nif redis.call(\"HLEN\", keys) > 0 then\nredis.call(\"SET\", installed, \"1\")\nreturn 0\nend\nif redis.call(\"EXISTS\", installed) == 1 then return -1 end\nredis.call(\"HSET\", keys, digest, record)\nfor at = 3, #ARGV do redis.call(\"ZADD\", order, 0, ARGV[at]) end\nredis.call(\"SET\", installed, \"1\")\nreturn 1",
};

/** Forgets a set of attributes whose entries were taken away, unless one was stored meanwhile; with its last set a cache counts as none. */
export const dropAttributes: Script<"names" | "ends" | "sets" | "bearers", "name" | "set" | "text" | "digests"> = {
  name: "drop_attributes",
  keys: ["names","ends","sets","bearers"],
  values: ["name","set","text","digests"],
  rest: true,
  idempotent: true,
  shape: "0 | 1",
  sha1: "738fc9640119f0c663d3444822e931e0d3003b49",
  lua: "local names = KEYS[1]\nlocal ends = KEYS[2]\nlocal sets = KEYS[3]\nlocal bearers = KEYS[4]\nlocal name = ARGV[1]\nlocal set = ARGV[2]\nlocal text = ARGV[3]\nlocal first = 4\nif redis.call(\"HGET\", sets, set) ~= text then return 0 end\nredis.call(\"HDEL\", sets, set)\nredis.call(\"ZREM\", ends, set)\nfor i = first, #ARGV do redis.call(\"ZREM\", bearers .. ARGV[i], set) end\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nif redis.call(\"ZCOUNT\", ends, now, \"+inf\") == 0 then redis.call(\"ZREM\", names, name) end\nreturn 1",
};

/** Finds sets of attributes that hold all of some attributes, the newest first. */
export const findAttributes: Script<"ends" | "sets" | "bearers", "count" | "skip" | "look" | "digests"> = {
  name: "find_attributes",
  keys: ["ends","sets","bearers"],
  values: ["count","skip","look","digests"],
  rest: true,
  idempotent: true,
  shape: "[integer, integer, (text, text)...]",
  sha1: "0b0ccf1146436afe35e50a7e30eac1025dbf193c",
  lua: "local ends = KEYS[1]\nlocal sets = KEYS[2]\nlocal bearers = KEYS[3]\nlocal count = tonumber(ARGV[1])\nlocal skip = tonumber(ARGV[2])\nlocal look = tonumber(ARGV[3])\nlocal first = 4\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal fewest = ends\nlocal size = redis.call(\"ZCARD\", ends)\nfor i = first, #ARGV do\nlocal held = redis.call(\"ZCARD\", bearers .. ARGV[i])\nif held < size then\nfewest = bearers .. ARGV[i]\nsize = held\nend\nend\nlocal near = redis.call(\"ZREVRANGEBYSCORE\", fewest, \"+inf\", \"(\" .. now, \"LIMIT\", skip, look)\nlocal reply = { 0, size }\nfor _, set in ipairs(near) do\nif #reply >= 2 + 2 * count then return reply end\nreply[1] = reply[1] + 1\nlocal holds = true\nfor i = first, #ARGV do\nif not redis.call(\"ZSCORE\", bearers .. ARGV[i], set) then holds = false end\nend\nlocal text = holds and redis.call(\"HGET\", sets, set)\nif text then\nreply[#reply + 1] = set\nreply[#reply + 1] = text\nend\nend\nreturn reply",
};

/** Tells which of some commands its user has no right to run, as they stand: with these keys and channels. */
export const findDenied: Script<"own", "commands"> = {
  name: "find_denied",
  keys: ["own"],
  values: ["commands"],
  rest: true,
  idempotent: true,
  shape: "[(integer)...]",
  sha1: "7e0cb217a80987e8f540cff09154ae2eba9ebfcf",
  lua: "local own = KEYS[1]\nlocal denied = {}\nlocal at = 1\nlocal place = 0\nwhile at <= #ARGV do\nlocal words = tonumber(ARGV[at])\nplace = place + 1\nlocal known, allowed = pcall(redis.acl_check_cmd, unpack(ARGV, at + 1, at + words))\nif known and not allowed then denied[#denied + 1] = place end\nat = at + 1 + words\nend\nreturn denied",
};

/** Counts the things that a request stored in place of its reservation: at least so many bytes for each, so that a repeat counts once. */
export const keepBytes: Script<"ends" | "sizes", "reservation" | "life_ms" | "things"> = {
  name: "keep_bytes",
  keys: ["ends","sizes"],
  values: ["reservation","life_ms","things"],
  rest: true,
  idempotent: false,
  shape: "[\"kept\", integer]",
  sha1: "84a6c4185feb7769b2e67a449f0a48ba21183a09",
  lua: "local ends = KEYS[1]\nlocal sizes = KEYS[2]\nlocal reservation = ARGV[1]\nlocal life_ms = tonumber(ARGV[2])\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal function bytes_of(text)\nlocal bytes = tonumber(text or \"0\")\nif not bytes or not (bytes >= 0 and bytes < 9007199254740992) then return nil end\nreturn math.floor(bytes)\nend\nfor key, wanted in pairs({ [ends] = \"zset\", [sizes] = \"hash\" }) do\nlocal type = redis.call(\"TYPE\", key).ok\nif type ~= \"none\" and type ~= wanted then\nredis.call(\"DEL\", ends, sizes)\nbreak\nend\nend\nlocal function mend()\nlocal sum = 0\nif redis.call(\"HLEN\", sizes) > 100000 then\nredis.call(\"DEL\", ends, sizes)\nreturn\nend\nlocal all = redis.call(\"HGETALL\", sizes)\nfor at = 1, #all, 2 do\nlocal bytes = bytes_of(all[at + 1])\nif all[at] ~= \"\" and bytes then\nsum = sum + bytes\nelseif all[at] ~= \"\" then\nredis.call(\"HDEL\", sizes, all[at])\nredis.call(\"ZREM\", ends, all[at])\nend\nend\nredis.call(\"HSET\", sizes, \"\", string.format(\"%.0f\", sum))\nend\nlocal function size_of(thing)\nlocal bytes = bytes_of(redis.call(\"HGET\", sizes, thing))\nif bytes then return bytes end\nmend()\nreturn bytes_of(redis.call(\"HGET\", sizes, thing)) or 0\nend\nlocal function add(thing, more)\nlocal size = size_of(thing)\nlocal after = math.max(0, size + more)\nlocal sum = math.max(0, size_of(\"\") + after - size)\nredis.call(\"HSET\", sizes, \"\", string.format(\"%.0f\", sum))\nif after == 0 then\nredis.call(\"HDEL\", sizes, thing)\nredis.call(\"ZREM\", ends, thing)\nelse\nredis.call(\"HSET\", sizes, thing, string.format(\"%.0f\", after))\nend\nreturn after\nend\nlocal function sweep(most)\nfor _, thing in ipairs(redis.call(\"ZRANGEBYSCORE\", ends, \"-inf\", now, \"LIMIT\", 0, most)) do\nadd(thing, -size_of(thing))\nredis.call(\"ZREM\", ends, thing)\nend\nend\nsweep(100)\nadd(reservation, -size_of(reservation))\nfor i = 3, #ARGV, 2 do\nlocal thing = ARGV[i]\nif add(thing, math.max(0, tonumber(ARGV[i + 1]) - size_of(thing))) > 0 then redis.call(\"ZADD\", ends, \"GT\", now + life_ms, thing) end\nend\nreturn { \"kept\", size_of(\"\") }",
};

/** Notes that a cache got an entry with a set of attributes, so that it is found by any part of the set; a realm has a bounded number of caches. */
export const noteAttributes: Script<"names" | "ends" | "sets" | "bearers", "name" | "names_max" | "set" | "json" | "life_ms" | "digests"> = {
  name: "note_attributes",
  keys: ["names","ends","sets","bearers"],
  values: ["name","names_max","set","json","life_ms","digests"],
  rest: true,
  idempotent: true,
  shape: "[\"noted\" | \"full\", integer]",
  sha1: "6428cecb17e9034b61a5c4c28971de6b251b6104",
  lua: "local names = KEYS[1]\nlocal ends = KEYS[2]\nlocal sets = KEYS[3]\nlocal bearers = KEYS[4]\nlocal name = ARGV[1]\nlocal names_max = tonumber(ARGV[2])\nlocal set = ARGV[3]\nlocal json = ARGV[4]\nlocal life_ms = tonumber(ARGV[5])\nlocal first = 6\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal function keep(key, member)\nredis.call(\"ZADD\", key, \"GT\", now + life_ms, member)\nif redis.call(\"PTTL\", key) < life_ms then redis.call(\"PEXPIRE\", key, life_ms) end\nend\nredis.call(\"ZREMRANGEBYSCORE\", names, \"-inf\", now)\nif not redis.call(\"ZSCORE\", names, name) then\nlocal count = redis.call(\"ZCARD\", names)\nif count >= names_max then return { \"full\", count } end\nend\nfor _, old in ipairs(redis.call(\"ZRANGEBYSCORE\", ends, \"-inf\", now, \"LIMIT\", 0, 20)) do\nredis.call(\"HDEL\", sets, old)\nredis.call(\"ZREM\", ends, old)\nend\nkeep(names, name)\nkeep(ends, set)\nlocal noted = tonumber(string.match(redis.call(\"HGET\", sets, set) or \"\", \"^(%d+):\") or 0)\nredis.call(\"HSET\", sets, set, string.format(\"%d:\", noted + 1) .. json)\nif redis.call(\"PTTL\", sets) < life_ms then redis.call(\"PEXPIRE\", sets, life_ms) end\nfor i = first, #ARGV do\nredis.call(\"ZREMRANGEBYSCORE\", bearers .. ARGV[i], \"-inf\", now)\nkeep(bearers .. ARGV[i], set)\nend\nreturn { \"noted\", 0 }",
};

/** Adds to the sums of a day: by names while there is room for more of them, else under names that stand for them. */
export const noteSpend: Script<"day", "rows_max" | "life_ms" | "numbers" | "rows"> = {
  name: "note_spend",
  keys: ["day"],
  values: ["rows_max","life_ms","numbers","rows"],
  rest: true,
  idempotent: false,
  shape: "integer",
  sha1: "bb812c6c22683933c9d392e5a4c3bc8c53a6c510",
  lua: "local day = KEYS[1]\nlocal rows_max = tonumber(ARGV[1])\nlocal life_ms = ARGV[2]\nlocal numbers = tonumber(ARGV[3])\nlocal kept = tonumber(redis.call(\"HGET\", day, \"=\") or 0)\nlocal turned_away = 0\nfor at = 4, #ARGV, numbers + 2 do\nlocal field = ARGV[at] .. \"|=\"\nlocal known = redis.call(\"HGET\", day, field)\nif not known and kept >= rows_max then\nfield = ARGV[at + 1] .. \"|=\"\nknown = redis.call(\"HGET\", day, field)\nturned_away = turned_away + 1\nend\nif not known then kept = kept + 1 end\nlocal sums = {}\nfor sum in string.gmatch(known or \"\", \"%d+\") do sums[#sums + 1] = sum end\nfor n = 1, numbers do sums[n] = string.format(\"%.0f\", (sums[n] or 0) + ARGV[at + 1 + n]) end\nredis.call(\"HSET\", day, field, table.concat(sums, \" \"))\nend\nredis.call(\"HSET\", day, \"=\", kept)\nredis.call(\"PEXPIRE\", day, life_ms)\nreturn turned_away",
};

/** Notes that a key speaks for a user; a key brings a bounded number of users that it did not speak for lately. */
export const noteUser: Script<"users" | "fresh", "user" | "known_ms" | "window_ms" | "fresh_max" | "users_max"> = {
  name: "note_user",
  keys: ["users","fresh"],
  values: ["user","known_ms","window_ms","fresh_max","users_max"],
  rest: false,
  idempotent: false,
  shape: "[\"noted\" | \"refused\", integer]",
  sha1: "4865430115230a8469e5f816184aa1660367224b",
  lua: "local users = KEYS[1]\nlocal fresh = KEYS[2]\nlocal user = ARGV[1]\nlocal known_ms = tonumber(ARGV[2])\nlocal window_ms = tonumber(ARGV[3])\nlocal fresh_max = tonumber(ARGV[4])\nlocal users_max = tonumber(ARGV[5])\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal seen = tonumber(redis.call(\"ZSCORE\", users, user) or \"0\")\nif seen <= now - known_ms then\nredis.call(\"ZREMRANGEBYSCORE\", users, \"-inf\", now - known_ms)\nif redis.call(\"ZCARD\", users) >= users_max then\nlocal oldest = redis.call(\"ZRANGE\", users, 0, 0, \"WITHSCORES\")[2]\nreturn { \"refused\", math.max(1, tonumber(oldest) + known_ms - now) }\nend\nlocal count = tonumber(redis.call(\"GET\", fresh) or \"0\")\nif count >= fresh_max then\nreturn { \"refused\", math.max(1, redis.call(\"PTTL\", fresh)) }\nend\nredis.call(\"INCR\", fresh)\nif count == 0 then redis.call(\"PEXPIRE\", fresh, window_ms) end\nend\nredis.call(\"ZADD\", users, now, user)\nredis.call(\"PEXPIRE\", users, known_ms)\nreturn { \"noted\", 0 }",
};

/** Keeps a sign-in of the dashboard until its end, and ends the oldest ones beyond a bound. */
export const openSignIn: Script<"sign_ins", "digest" | "record" | "life_ms" | "sign_ins_max"> = {
  name: "open_sign_in",
  keys: ["sign_ins"],
  values: ["digest","record","life_ms","sign_ins_max"],
  rest: false,
  idempotent: true,
  shape: "integer",
  sha1: "3171cdf4c629b862b65f9e9eedc14ed72c0fdd93",
  lua: "local sign_ins = KEYS[1]\nlocal digest = ARGV[1]\nlocal record = ARGV[2]\nlocal life_ms = tonumber(ARGV[3])\nlocal sign_ins_max = tonumber(ARGV[4])\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nredis.call(\"ZREMRANGEBYSCORE\", sign_ins, \"-inf\", now)\nredis.call(\"ZADD\", sign_ins, now + life_ms, digest)\nredis.call(\"SET\", sign_ins .. \":\" .. digest, record, \"PX\", life_ms)\nredis.call(\"PEXPIRE\", sign_ins, life_ms)\nlocal over = math.min(redis.call(\"ZCARD\", sign_ins) - sign_ins_max, 100)\nif over <= 0 then return 0 end\nlocal ended = redis.call(\"ZRANGE\", sign_ins, 0, over - 1)\nfor _, one in ipairs(ended) do redis.call(\"DEL\", sign_ins .. \":\" .. one) end\nredis.call(\"ZREMRANGEBYRANK\", sign_ins, 0, over - 1)\nreturn over",
};

/** Keeps the record of a new API key, with its places in the lists of all keys and of its scope's. */
export const putKey: Script<"keys" | "order", "digest" | "record" | "places"> = {
  name: "put_key",
  keys: ["keys","order"],
  values: ["digest","record","places"],
  rest: true,
  idempotent: true,
  shape: "1",
  sha1: "3cb11739916b65e3a1a268781e876bad4978b03d",
  lua: "local keys = KEYS[1]\nlocal order = KEYS[2]\nlocal digest = ARGV[1]\nlocal record = ARGV[2]\nredis.call(\"HSET\", keys, digest, record)\nfor at = 3, #ARGV do redis.call(\"ZADD\", order, 0, ARGV[at]) end\nreturn 1",
};

/** Reads which upstreams' models are left alone, and for how long yet. */
export const readBenched: Script<"benched", "most"> = {
  name: "read_benched",
  keys: ["benched"],
  values: ["most"],
  rest: false,
  idempotent: false,
  shape: "[(text, integer)...]",
  sha1: "48959b0b8db734f19c3868c73ab42923af8fbbd3",
  lua: "local benched = KEYS[1]\nlocal most = tonumber(ARGV[1])\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal reply = {}\nlocal rows = redis.call(\"ZREVRANGE\", benched, 0, most - 1, \"WITHSCORES\")\nfor at = 1, #rows, 2 do\nreply[at] = rows[at]\nreply[at + 1] = tonumber(rows[at + 1]) - now\nend\nreturn reply",
};

/** Reads the rows of a day as one text: to take a month as tens of thousands of replies costs a client several times as much. */
export const readSums: Script<"day", never> = {
  name: "read_sums",
  keys: ["day"],
  values: [],
  rest: false,
  idempotent: true,
  shape: "text",
  sha1: "5ceb3bab7c5228ec8209fa8b57564e34db4cba47",
  lua: "local day = KEYS[1]\nreturn table.concat(redis.call(\"HGETALL\", day), \"\\n\")",
};

/** Takes an API key away, with its places in lists. */
export const removeKey: Script<"keys" | "order", "digest" | "places"> = {
  name: "remove_key",
  keys: ["keys","order"],
  values: ["digest","places"],
  rest: true,
  idempotent: true,
  shape: "0 | 1",
  sha1: "ba5bf14994ffcda434a79cb22add30aeaeabf948",
  lua: "local keys = KEYS[1]\nlocal order = KEYS[2]\nlocal digest = ARGV[1]\nfor at = 2, #ARGV do redis.call(\"ZREM\", order, ARGV[at]) end\nreturn redis.call(\"HDEL\", keys, digest)",
};

/** Reserves bytes of a scope for a request: as many as its things would add to those that are counted for them already; what is over counts no more. */
export const reserveBytes: Script<"ends" | "sizes", "name" | "life_ms" | "bytes_max" | "things"> = {
  name: "reserve_bytes",
  keys: ["ends","sizes"],
  values: ["name","life_ms","bytes_max","things"],
  rest: true,
  idempotent: false,
  shape: "[\"booked\" | \"full\", integer]",
  sha1: "0a0b019cc7132b2d57c55a29e8f9c32cb3eb0ccf",
  lua: "local ends = KEYS[1]\nlocal sizes = KEYS[2]\nlocal name = ARGV[1]\nlocal life_ms = tonumber(ARGV[2])\nlocal bytes_max = tonumber(ARGV[3])\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal function bytes_of(text)\nlocal bytes = tonumber(text or \"0\")\nif not bytes or not (bytes >= 0 and bytes < 9007199254740992) then return nil end\nreturn math.floor(bytes)\nend\nfor key, wanted in pairs({ [ends] = \"zset\", [sizes] = \"hash\" }) do\nlocal type = redis.call(\"TYPE\", key).ok\nif type ~= \"none\" and type ~= wanted then\nredis.call(\"DEL\", ends, sizes)\nbreak\nend\nend\nlocal function mend()\nlocal sum = 0\nif redis.call(\"HLEN\", sizes) > 100000 then\nredis.call(\"DEL\", ends, sizes)\nreturn\nend\nlocal all = redis.call(\"HGETALL\", sizes)\nfor at = 1, #all, 2 do\nlocal bytes = bytes_of(all[at + 1])\nif all[at] ~= \"\" and bytes then\nsum = sum + bytes\nelseif all[at] ~= \"\" then\nredis.call(\"HDEL\", sizes, all[at])\nredis.call(\"ZREM\", ends, all[at])\nend\nend\nredis.call(\"HSET\", sizes, \"\", string.format(\"%.0f\", sum))\nend\nlocal function size_of(thing)\nlocal bytes = bytes_of(redis.call(\"HGET\", sizes, thing))\nif bytes then return bytes end\nmend()\nreturn bytes_of(redis.call(\"HGET\", sizes, thing)) or 0\nend\nlocal function add(thing, more)\nlocal size = size_of(thing)\nlocal after = math.max(0, size + more)\nlocal sum = math.max(0, size_of(\"\") + after - size)\nredis.call(\"HSET\", sizes, \"\", string.format(\"%.0f\", sum))\nif after == 0 then\nredis.call(\"HDEL\", sizes, thing)\nredis.call(\"ZREM\", ends, thing)\nelse\nredis.call(\"HSET\", sizes, thing, string.format(\"%.0f\", after))\nend\nreturn after\nend\nlocal function sweep(most)\nfor _, thing in ipairs(redis.call(\"ZRANGEBYSCORE\", ends, \"-inf\", now, \"LIMIT\", 0, most)) do\nadd(thing, -size_of(thing))\nredis.call(\"ZREM\", ends, thing)\nend\nend\nsweep(100)\nlocal bytes = 0\nfor i = 4, #ARGV, 2 do bytes = bytes + math.max(0, tonumber(ARGV[i + 1]) - size_of(ARGV[i])) end\nlocal kept = size_of(\"\")\nif bytes > 0 and kept + bytes > bytes_max then return { \"full\", kept } end\nif add(name, bytes) > 0 then redis.call(\"ZADD\", ends, \"GT\", now + life_ms, name) end\nreturn { \"booked\", bytes }",
};
