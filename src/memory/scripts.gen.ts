// Written by `npm run gen` from scripts/*.lua. Do not edit.

import type { Script } from "../redis/index.ts";

/** Appends turns to a session's log, once for each idempotency key, trims it and renews its life. */
export const appendTurns: Script<"log" | "meta" | "ids" | "sessions" | "starts", "session" | "id" | "expected" | "ttl_ms" | "life_ms" | "max_turns" | "max_bytes" | "max_tokens" | "max_ids" | "channel" | "records"> = {
  name: "append_turns",
  keys: ["log","meta","ids","sessions","starts"],
  values: ["session","id","expected","ttl_ms","life_ms","max_turns","max_bytes","max_tokens","max_ids","channel","records"],
  rest: true,
  idempotent: true,
  sha1: "a1e5b0b411fcaf5712140528a55d9bca921064bd",
  lua: "local log = KEYS[1]\nlocal meta = KEYS[2]\nlocal ids = KEYS[3]\nlocal sessions = KEYS[4]\nlocal starts = KEYS[5]\nlocal session = ARGV[1]\nlocal id = ARGV[2]\nlocal expected = tonumber(ARGV[3])\nlocal ttl_ms = tonumber(ARGV[4])\nlocal life_ms = tonumber(ARGV[5])\nlocal max_turns = tonumber(ARGV[6])\nlocal max_bytes = tonumber(ARGV[7])\nlocal max_tokens = tonumber(ARGV[8])\nlocal max_ids = tonumber(ARGV[9])\nlocal channel = ARGV[10]\nlocal function mend(log, meta)\nif redis.call(\"HEXISTS\", meta, \"created\") == 1 or redis.call(\"EXISTS\", log) == 0 then return end\nlocal time = redis.call(\"TIME\")\nlocal bytes, tokens = 0, 0\nlocal turns = redis.call(\"LRANGE\", log, 0, -1)\nfor _, turn in ipairs(turns) do bytes, tokens = bytes + #turn, tokens + tonumber(string.match(turn, \"^%d+\") or 0) end\nlocal created = string.format(\"%.0f\", time[1] * 1000 + math.floor(time[2] / 1000))\nredis.call(\"HSET\", meta, \"version\", #turns, \"created\", created, \"epoch\", time[1] .. time[2], \"bytes\", bytes, \"tokens\", tokens)\nend\nmend(log, meta)\nlocal made = redis.call(\"ZSCORE\", ids, id)\nlocal known = redis.call(\"HMGET\", meta, \"version\", \"created\", \"bytes\", \"tokens\", \"epoch\")\nif made then return { 0, tonumber(made), known[5] or \"\" } end\nlocal version = tonumber(known[1] or 0)\nif expected >= 0 and expected ~= version then return { -1, version, known[5] or \"\" } end\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal created, epoch = tonumber(known[2]), known[5]\nif not created then\ncreated, epoch = now, time[1] .. time[2]\nredis.call(\"HSET\", meta, \"created\", string.format(\"%.0f\", now), \"epoch\", epoch)\nfor _, old in ipairs(redis.call(\"ZRANGE\", sessions, 0, 7)) do\nif redis.call(\"EXISTS\", starts .. old .. \":meta\") == 0 then redis.call(\"ZREM\", sessions, old) end\nend\nend\nlocal bytes, tokens = tonumber(known[3] or 0), tonumber(known[4] or 0)\nlocal function weigh(turn) return #turn, tonumber(string.match(turn, \"^%d+\")) end\nfor i = 11, #ARGV do\nlocal size, count = weigh(ARGV[i])\nbytes, tokens = bytes + size, tokens + count\nredis.call(\"RPUSH\", log, ARGV[i])\nend\nversion = version + #ARGV - 10\nlocal kept = redis.call(\"LLEN\", log)\nwhile kept > 1 and (kept > max_turns or (max_bytes > 0 and bytes > max_bytes) or (max_tokens > 0 and tokens > max_tokens)) do\nlocal size, count = weigh(redis.call(\"LPOP\", log))\nbytes, tokens, kept = bytes - size, tokens - count, kept - 1\nend\nredis.call(\"HSET\", meta, \"version\", version, \"bytes\", bytes, \"tokens\", tokens)\nredis.call(\"ZADD\", ids, version, id)\nredis.call(\"ZREMRANGEBYRANK\", ids, 0, -max_ids - 1)\nredis.call(\"ZADD\", sessions, now, session)\nif life_ms > 0 then ttl_ms = math.max(1, math.min(ttl_ms, created + life_ms - now)) end\nfor i = 1, 3 do redis.call(\"PEXPIRE\", KEYS[i], ttl_ms) end\nif redis.call(\"PTTL\", sessions) < ttl_ms then redis.call(\"PEXPIRE\", sessions, ttl_ms) end\nif channel ~= \"\" then redis.call(\"PUBLISH\", channel, version) end\nreturn { 1, version, epoch }",
};

/** Makes a new session out of another one's turns up to a point, with its state and what is known of it. */
export const branchSession: Script<"log" | "meta" | "to_log" | "to_meta" | "sessions", "session" | "at" | "ttl_ms"> = {
  name: "branch_session",
  keys: ["log","meta","to_log","to_meta","sessions"],
  values: ["session","at","ttl_ms"],
  rest: false,
  idempotent: false,
  sha1: "4c662a89a97b9efe8f8b53b46725d8e87e018d36",
  lua: "local log = KEYS[1]\nlocal meta = KEYS[2]\nlocal to_log = KEYS[3]\nlocal to_meta = KEYS[4]\nlocal sessions = KEYS[5]\nlocal session = ARGV[1]\nlocal at = tonumber(ARGV[2])\nlocal ttl_ms = tonumber(ARGV[3])\nif redis.call(\"HEXISTS\", to_meta, \"created\") == 1 then return -1 end\nlocal function mend(log, meta)\nif redis.call(\"HEXISTS\", meta, \"created\") == 1 or redis.call(\"EXISTS\", log) == 0 then return end\nlocal time = redis.call(\"TIME\")\nlocal bytes, tokens = 0, 0\nlocal turns = redis.call(\"LRANGE\", log, 0, -1)\nfor _, turn in ipairs(turns) do bytes, tokens = bytes + #turn, tokens + tonumber(string.match(turn, \"^%d+\") or 0) end\nlocal created = string.format(\"%.0f\", time[1] * 1000 + math.floor(time[2] / 1000))\nredis.call(\"HSET\", meta, \"version\", #turns, \"created\", created, \"epoch\", time[1] .. time[2], \"bytes\", bytes, \"tokens\", tokens)\nend\nmend(log, meta)\nlocal known = redis.call(\"HMGET\", meta, \"version\", \"created\", \"state\", \"state_version\", \"metadata\", \"bytes\", \"tokens\")\nif not known[2] then return -2 end\nlocal version = tonumber(known[1] or 0)\nlocal oldest = version - redis.call(\"LLEN\", log) + 1\nif at < 0 then at = version end\nif at > version or at < oldest - 1 then return -3 end\nlocal bytes, tokens = tonumber(known[6] or 0), tonumber(known[7] or 0)\nif at >= oldest then redis.call(\"COPY\", log, to_log, \"REPLACE\") end\nfor _ = at + 1, version do\nlocal turn = at >= oldest and redis.call(\"RPOP\", to_log) or \"\"\nbytes, tokens = bytes - #turn, tokens - tonumber(string.match(turn, \"^%d+\") or 0)\nend\nif at < oldest then bytes, tokens = 0, 0 end\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nredis.call(\"HSET\", to_meta, \"version\", at, \"created\", string.format(\"%.0f\", now), \"epoch\", time[1] .. time[2])\nredis.call(\"HSET\", to_meta, \"bytes\", bytes, \"tokens\", tokens)\nif known[3] then redis.call(\"HSET\", to_meta, \"state\", known[3], \"state_version\", known[4]) end\nif known[5] then redis.call(\"HSET\", to_meta, \"metadata\", known[5]) end\nredis.call(\"ZADD\", sessions, now, session)\nfor i = 3, 4 do redis.call(\"PEXPIRE\", KEYS[i], ttl_ms) end\nif redis.call(\"PTTL\", sessions) < ttl_ms then redis.call(\"PEXPIRE\", sessions, ttl_ms) end\nreturn at",
};

/** Puts a session's state in place of the one that was read. */
export const changeState: Script<"meta" | "log" | "ids" | "sessions", "session" | "read" | "expected" | "state" | "ttl_ms" | "channel"> = {
  name: "change_state",
  keys: ["meta","log","ids","sessions"],
  values: ["session","read","expected","state","ttl_ms","channel"],
  rest: false,
  idempotent: false,
  sha1: "0acc50c3c7c7749b239d26ed5cff824e88e6104a",
  lua: "local meta = KEYS[1]\nlocal log = KEYS[2]\nlocal ids = KEYS[3]\nlocal sessions = KEYS[4]\nlocal session = ARGV[1]\nlocal read = tonumber(ARGV[2])\nlocal expected = tonumber(ARGV[3])\nlocal state = ARGV[4]\nlocal ttl_ms = tonumber(ARGV[5])\nlocal channel = ARGV[6]\nlocal function mend(log, meta)\nif redis.call(\"HEXISTS\", meta, \"created\") == 1 or redis.call(\"EXISTS\", log) == 0 then return end\nlocal time = redis.call(\"TIME\")\nlocal bytes, tokens = 0, 0\nlocal turns = redis.call(\"LRANGE\", log, 0, -1)\nfor _, turn in ipairs(turns) do bytes, tokens = bytes + #turn, tokens + tonumber(string.match(turn, \"^%d+\") or 0) end\nlocal created = string.format(\"%.0f\", time[1] * 1000 + math.floor(time[2] / 1000))\nredis.call(\"HSET\", meta, \"version\", #turns, \"created\", created, \"epoch\", time[1] .. time[2], \"bytes\", bytes, \"tokens\", tokens)\nend\nmend(log, meta)\nlocal known = redis.call(\"HMGET\", meta, \"version\", \"state_version\", \"created\")\nlocal version, present = tonumber(known[1] or 0), tonumber(known[2] or 0)\nif expected >= 0 and expected ~= version then return { -1, present, version } end\nif present ~= read then return { 0, present, version } end\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nif not known[3] then redis.call(\"HSET\", meta, \"created\", string.format(\"%.0f\", now), \"epoch\", time[1] .. time[2]) end\nredis.call(\"HSET\", meta, \"state\", state, \"state_version\", present + 1)\nredis.call(\"ZADD\", sessions, now, session)\nfor i = 1, 3 do redis.call(\"PEXPIRE\", KEYS[i], ttl_ms) end\nif redis.call(\"PTTL\", sessions) < ttl_ms then redis.call(\"PEXPIRE\", sessions, ttl_ms) end\nif channel ~= \"\" then redis.call(\"PUBLISH\", channel, version) end\nreturn { 1, present + 1, version }",
};

/** Ends a session now. */
export const clearSession: Script<"log" | "meta" | "ids" | "sessions", "session"> = {
  name: "clear_session",
  keys: ["log","meta","ids","sessions"],
  values: ["session"],
  rest: false,
  idempotent: true,
  sha1: "d266ebd97552368733fe7642dcb246112075821b",
  lua: "local log = KEYS[1]\nlocal meta = KEYS[2]\nlocal ids = KEYS[3]\nlocal sessions = KEYS[4]\nlocal session = ARGV[1]\nredis.call(\"ZREM\", sessions, session)\nlocal turns = redis.call(\"LLEN\", log)\nif redis.call(\"UNLINK\", log, meta, ids) == 0 then return -1 end\nreturn turns",
};

/** Makes a session that nothing was said in yet, or changes what is known of one. */
export const describeSession: Script<"meta" | "log" | "ids" | "sessions", "session" | "metadata" | "which" | "ttl_ms"> = {
  name: "describe_session",
  keys: ["meta","log","ids","sessions"],
  values: ["session","metadata","which","ttl_ms"],
  rest: false,
  idempotent: false,
  sha1: "d40d7dd815a7dc1e72d3b5bd778e54d1737ee04f",
  lua: "local meta = KEYS[1]\nlocal log = KEYS[2]\nlocal ids = KEYS[3]\nlocal sessions = KEYS[4]\nlocal session = ARGV[1]\nlocal metadata = ARGV[2]\nlocal which = ARGV[3]\nlocal ttl_ms = tonumber(ARGV[4])\nlocal function mend(log, meta)\nif redis.call(\"HEXISTS\", meta, \"created\") == 1 or redis.call(\"EXISTS\", log) == 0 then return end\nlocal time = redis.call(\"TIME\")\nlocal bytes, tokens = 0, 0\nlocal turns = redis.call(\"LRANGE\", log, 0, -1)\nfor _, turn in ipairs(turns) do bytes, tokens = bytes + #turn, tokens + tonumber(string.match(turn, \"^%d+\") or 0) end\nlocal created = string.format(\"%.0f\", time[1] * 1000 + math.floor(time[2] / 1000))\nredis.call(\"HSET\", meta, \"version\", #turns, \"created\", created, \"epoch\", time[1] .. time[2], \"bytes\", bytes, \"tokens\", tokens)\nend\nmend(log, meta)\nlocal exists = redis.call(\"HEXISTS\", meta, \"created\") == 1\nif exists == (which == \"new\") then return 0 end\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nif not exists then redis.call(\"HSET\", meta, \"created\", string.format(\"%.0f\", now), \"epoch\", time[1] .. time[2]) end\nredis.call(\"HSET\", meta, \"metadata\", metadata)\nredis.call(\"ZADD\", sessions, now, session)\nfor i = 1, 3 do redis.call(\"PEXPIRE\", KEYS[i], ttl_ms) end\nif redis.call(\"PTTL\", sessions) < ttl_ms then redis.call(\"PEXPIRE\", sessions, ttl_ms) end\nreturn 1",
};

/** Keeps what was made of a session's turns up to one, unless more of them were or they changed since. */
export const keepProgress: Script<"meta", "epoch" | "what" | "to" | "record"> = {
  name: "keep_progress",
  keys: ["meta"],
  values: ["epoch","what","to","record"],
  rest: false,
  idempotent: true,
  sha1: "85213cd37f301d35de8cbe6301d41b8dad3b74cb",
  lua: "local meta = KEYS[1]\nlocal epoch = ARGV[1]\nlocal what = ARGV[2]\nlocal to = tonumber(ARGV[3])\nlocal record = ARGV[4]\nlocal known = redis.call(\"HMGET\", meta, \"epoch\", what .. \"_to\")\nif known[1] ~= epoch or tonumber(known[2] or 0) >= to then return 0 end\nredis.call(\"HSET\", meta, what, record, what .. \"_to\", to)\nreturn 1",
};

/** Lists a user's sessions by their last change; those that have ended leave the list here. */
export const listSessions: Script<"sessions" | "starts", "after_ms" | "after_id" | "limit" | "newest_first"> = {
  name: "list_sessions",
  keys: ["sessions","starts"],
  values: ["after_ms","after_id","limit","newest_first"],
  rest: false,
  idempotent: true,
  sha1: "6ea08180550c30daf6a7c4a6cf4dde71541d9c31",
  lua: "local sessions = KEYS[1]\nlocal starts = KEYS[2]\nlocal after_ms = ARGV[1]\nlocal after_id = ARGV[2]\nlocal limit = tonumber(ARGV[3])\nlocal newest_first = ARGV[4]\nnewest_first = newest_first == \"1\"\nlocal range = newest_first and \"ZREVRANGEBYSCORE\" or \"ZRANGEBYSCORE\"\nlocal from = after_ms ~= \"\" and after_ms or (newest_first and \"+inf\" or \"-inf\")\nlocal to = newest_first and \"-inf\" or \"+inf\"\nlocal reply, ended, found, offset = { 0 }, {}, 0, 0\nwhile offset < 1024 and found <= limit do\nlocal page = redis.call(range, sessions, from, to, \"WITHSCORES\", \"LIMIT\", offset, 64)\nfor i = 1, #page, 2 do\nlocal id, changed = page[i], page[i + 1]\nlocal seen = after_ms ~= \"\" and changed == after_ms and ((newest_first and id >= after_id) or (not newest_first and id <= after_id))\nif not seen and found <= limit then\nlocal known = redis.call(\"HMGET\", starts .. id .. \":meta\", \"created\", \"version\", \"metadata\")\nif not known[1] then\nended[#ended + 1] = id\nelse\nfound = found + 1\nif found <= limit then\nfor _, value in ipairs({ id, changed, known[1], known[2] or \"0\", known[3] or \"\" }) do reply[#reply + 1] = value end\nend\nend\nend\nend\nif #page < 128 then break end\noffset = offset + 64\nend\nif found > limit then reply[1] = 1 end\nfor _, id in ipairs(ended) do redis.call(\"ZREM\", sessions, id) end\nreturn reply",
};

/** Reads turns of a session and renews its life. */
export const readTurns: Script<"log" | "meta" | "ids" | "sessions", "after" | "before" | "count" | "newest" | "ttl_ms" | "life_ms"> = {
  name: "read_turns",
  keys: ["log","meta","ids","sessions"],
  values: ["after","before","count","newest","ttl_ms","life_ms"],
  rest: false,
  idempotent: true,
  sha1: "fa135369f1e68e85e93a8d38ef89ef7a52f83dca",
  lua: "local log = KEYS[1]\nlocal meta = KEYS[2]\nlocal ids = KEYS[3]\nlocal sessions = KEYS[4]\nlocal after = tonumber(ARGV[1])\nlocal before = tonumber(ARGV[2])\nlocal count = tonumber(ARGV[3])\nlocal newest = ARGV[4]\nlocal ttl_ms = tonumber(ARGV[5])\nlocal life_ms = tonumber(ARGV[6])\nlocal function mend(log, meta)\nif redis.call(\"HEXISTS\", meta, \"created\") == 1 or redis.call(\"EXISTS\", log) == 0 then return end\nlocal time = redis.call(\"TIME\")\nlocal bytes, tokens = 0, 0\nlocal turns = redis.call(\"LRANGE\", log, 0, -1)\nfor _, turn in ipairs(turns) do bytes, tokens = bytes + #turn, tokens + tonumber(string.match(turn, \"^%d+\") or 0) end\nlocal created = string.format(\"%.0f\", time[1] * 1000 + math.floor(time[2] / 1000))\nredis.call(\"HSET\", meta, \"version\", #turns, \"created\", created, \"epoch\", time[1] .. time[2], \"bytes\", bytes, \"tokens\", tokens)\nend\nlocal known = redis.call(\"HMGET\", meta, \"version\", \"epoch\", \"created\", \"summary\")\nif not known[3] then\nmend(log, meta)\nknown = redis.call(\"HMGET\", meta, \"version\", \"epoch\", \"created\", \"summary\")\nend\nif not known[3] then return { 0, \"\", 1, \"\", 1 } end\nif life_ms > 0 then\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nttl_ms = math.max(1, math.min(ttl_ms, known[3] + life_ms - now))\nend\nfor i = 1, 3 do redis.call(\"PEXPIRE\", KEYS[i], ttl_ms) end\nif redis.call(\"PTTL\", sessions) < ttl_ms then redis.call(\"PEXPIRE\", sessions, ttl_ms) end\nlocal version = tonumber(known[1] or 0)\nlocal oldest = version - redis.call(\"LLEN\", log) + 1\nlocal first, last = math.max(oldest, after + 1), version\nif before > 0 then last = math.min(version, before - 1) end\nif newest == \"1\" then\nfirst = math.max(first, last - count + 1)\nelse\nlast = math.min(last, first + count - 1)\nend\nlocal reply = { version, known[2], oldest, known[4] or \"\", first }\nif last < first then return reply end\nfor _, turn in ipairs(redis.call(\"LRANGE\", log, first - oldest, last - oldest)) do reply[#reply + 1] = turn end\nreturn reply",
};

/** Takes one turn out of a session; the others keep their numbers. */
export const removeTurn: Script<"log" | "meta", "sequence" | "channel"> = {
  name: "remove_turn",
  keys: ["log","meta"],
  values: ["sequence","channel"],
  rest: false,
  idempotent: true,
  sha1: "660f25d1d43689acc020fb59d6ce2ebb9a036af9",
  lua: "local log = KEYS[1]\nlocal meta = KEYS[2]\nlocal sequence = tonumber(ARGV[1])\nlocal channel = ARGV[2]\nlocal function mend(log, meta)\nif redis.call(\"HEXISTS\", meta, \"created\") == 1 or redis.call(\"EXISTS\", log) == 0 then return end\nlocal time = redis.call(\"TIME\")\nlocal bytes, tokens = 0, 0\nlocal turns = redis.call(\"LRANGE\", log, 0, -1)\nfor _, turn in ipairs(turns) do bytes, tokens = bytes + #turn, tokens + tonumber(string.match(turn, \"^%d+\") or 0) end\nlocal created = string.format(\"%.0f\", time[1] * 1000 + math.floor(time[2] / 1000))\nredis.call(\"HSET\", meta, \"version\", #turns, \"created\", created, \"epoch\", time[1] .. time[2], \"bytes\", bytes, \"tokens\", tokens)\nend\nmend(log, meta)\nlocal version = tonumber(redis.call(\"HGET\", meta, \"version\") or 0)\nlocal at = sequence - (version - redis.call(\"LLEN\", log) + 1)\nlocal turn = at >= 0 and sequence <= version and redis.call(\"LINDEX\", log, at) or \"0:\"\nif turn == \"0:\" then return 0 end\nredis.call(\"LSET\", log, at, \"0:\")\nlocal time = redis.call(\"TIME\")\nredis.call(\"HSET\", meta, \"epoch\", time[1] .. time[2])\nredis.call(\"HINCRBY\", meta, \"bytes\", 2 - #turn)\nredis.call(\"HINCRBY\", meta, \"tokens\", 0 - tonumber(string.match(turn, \"^%d+\")))\nif channel ~= \"\" then redis.call(\"PUBLISH\", channel, version) end\nreturn 1",
};

/** Takes the newest turns away, up to a point; their numbers are given anew. */
export const rewindSession: Script<"log" | "meta" | "ids", "to" | "expected" | "channel"> = {
  name: "rewind_session",
  keys: ["log","meta","ids"],
  values: ["to","expected","channel"],
  rest: false,
  idempotent: true,
  sha1: "3ab1bf7326434ad5ffb41f759701d90a02899e4f",
  lua: "local log = KEYS[1]\nlocal meta = KEYS[2]\nlocal ids = KEYS[3]\nlocal to = tonumber(ARGV[1])\nlocal expected = tonumber(ARGV[2])\nlocal channel = ARGV[3]\nlocal function mend(log, meta)\nif redis.call(\"HEXISTS\", meta, \"created\") == 1 or redis.call(\"EXISTS\", log) == 0 then return end\nlocal time = redis.call(\"TIME\")\nlocal bytes, tokens = 0, 0\nlocal turns = redis.call(\"LRANGE\", log, 0, -1)\nfor _, turn in ipairs(turns) do bytes, tokens = bytes + #turn, tokens + tonumber(string.match(turn, \"^%d+\") or 0) end\nlocal created = string.format(\"%.0f\", time[1] * 1000 + math.floor(time[2] / 1000))\nredis.call(\"HSET\", meta, \"version\", #turns, \"created\", created, \"epoch\", time[1] .. time[2], \"bytes\", bytes, \"tokens\", tokens)\nend\nmend(log, meta)\nlocal known = redis.call(\"HMGET\", meta, \"version\", \"bytes\", \"tokens\", \"summary_to\")\nlocal version = tonumber(known[1] or 0)\nif version == to then return { 1, version } end\nif expected >= 0 and expected ~= version then return { -1, version } end\nif to > version or to < version - redis.call(\"LLEN\", log) then return { 0, version } end\nlocal bytes, tokens = tonumber(known[2] or 0), tonumber(known[3] or 0)\nfor _ = to + 1, version do\nlocal turn = redis.call(\"RPOP\", log)\nbytes, tokens = bytes - #turn, tokens - tonumber(string.match(turn, \"^%d+\"))\nend\nlocal time = redis.call(\"TIME\")\nredis.call(\"HSET\", meta, \"version\", to, \"bytes\", bytes, \"tokens\", tokens, \"epoch\", time[1] .. time[2])\nif tonumber(known[4] or 0) > to then redis.call(\"HDEL\", meta, \"summary\", \"summary_to\") end\nredis.call(\"ZREMRANGEBYSCORE\", ids, \"(\" .. to, \"+inf\")\nif channel ~= \"\" then redis.call(\"PUBLISH\", channel, to) end\nreturn { 1, to }",
};
