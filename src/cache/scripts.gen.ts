// Written by `npm run gen` from scripts/*.lua. Do not edit.

import type { Script } from "../redis/index.ts";

/** Finds the stored questions nearest to a vector, with their entries. */
export const findSimilar: Script<"vectors" | "epoch" | "bodies", "vector" | "count" | "effort" | "floor"> = {
  name: "find_similar",
  keys: ["vectors","epoch","bodies"],
  values: ["vector","count","effort","floor"],
  rest: false,
  idempotent: true,
  sha1: "cece8aa3f3a28a5b853ce50674b4d1815ab45ec5",
  lua: "local vectors = KEYS[1]\nlocal epoch = KEYS[2]\nlocal bodies = KEYS[3]\nlocal vector = ARGV[1]\nlocal count = tonumber(ARGV[2])\nlocal effort = tonumber(ARGV[3])\nlocal floor = tonumber(ARGV[4])\nlocal found = redis.call(\"VSIM\", vectors, \"FP32\", vector, \"WITHSCORES\", \"COUNT\", count, \"EF\", effort)\nlocal reply = { redis.call(\"GET\", epoch) or \"\" }\nfor i = 1, #found, 2 do\nif tonumber(found[i + 1]) < floor then\nif i == 1 then return { reply[1], found[1], found[2], \"\" } end\nreturn reply\nend\nlocal record = redis.call(\"GET\", bodies .. found[i])\nif record then\nreply[#reply + 1] = found[i]\nreply[#reply + 1] = found[i + 1]\nreply[#reply + 1] = record\nelse\nredis.pcall(\"VREM\", vectors, found[i])\nend\nend\nreturn reply",
};

/** Forgets answers of one subject, a few at a time, with their questions in the index and what they weigh. */
export const forgetSubject: Script<"subject" | "bodies" | "vectors" | "worth" | "stock" | "ends", "count"> = {
  name: "forget_subject",
  keys: ["subject","bodies","vectors","worth","stock","ends"],
  values: ["count"],
  rest: false,
  idempotent: false,
  sha1: "4f771aa1c9c934fbac4d6b047195c763152c575d",
  lua: "local subject = KEYS[1]\nlocal bodies = KEYS[2]\nlocal vectors = KEYS[3]\nlocal worth = KEYS[4]\nlocal stock = KEYS[5]\nlocal ends = KEYS[6]\nlocal count = tonumber(ARGV[1])\nlocal members = redis.call(\"SPOP\", subject, count)\nlocal forgotten = 0\nfor _, member in ipairs(members) do\nlocal id, partition = string.match(member, \"^([^|]+)|(.+)$\")\nforgotten = forgotten + redis.call(\"UNLINK\", bodies .. id)\nif redis.call(\"EXISTS\", vectors .. partition) == 1 then redis.call(\"VREM\", vectors .. partition, id) end\nlocal size = string.match(redis.call(\"HGET\", stock, id) or \"\", \"^(%d+):\")\nif size then\nredis.call(\"HINCRBY\", stock, \"\", 0 - size)\nredis.call(\"HDEL\", stock, id)\nredis.call(\"ZREM\", worth, id)\nredis.call(\"ZREM\", ends, id)\nend\nend\nreturn { #members, forgotten }",
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

/** Makes room for an entry within the bounds of a cache, and writes down what it weighs. What is worth least goes first. */
export const makeRoom: Script<"worth" | "stock" | "ends" | "bodies" | "vectors", "id" | "partition" | "bytes" | "saves" | "ttl_ms" | "entries_max" | "bytes_max" | "sweep"> = {
  name: "make_room",
  keys: ["worth","stock","ends","bodies","vectors"],
  values: ["id","partition","bytes","saves","ttl_ms","entries_max","bytes_max","sweep"],
  rest: false,
  idempotent: true,
  sha1: "57cfa6b2ebee7f96f1e1c42ae53bb4f9ba4416b0",
  lua: "local worth = KEYS[1]\nlocal stock = KEYS[2]\nlocal ends = KEYS[3]\nlocal bodies = KEYS[4]\nlocal vectors = KEYS[5]\nlocal id = ARGV[1]\nlocal partition = ARGV[2]\nlocal bytes = tonumber(ARGV[3])\nlocal saves = tonumber(ARGV[4])\nlocal ttl_ms = tonumber(ARGV[5])\nlocal entries_max = tonumber(ARGV[6])\nlocal bytes_max = tonumber(ARGV[7])\nlocal sweep = tonumber(ARGV[8])\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal function forget(old)\nlocal size, where = string.match(redis.call(\"HGET\", stock, old) or \"\", \"^(%d+):[^:]*:%d+:(.*)$\")\nredis.call(\"ZREM\", worth, old)\nredis.call(\"ZREM\", ends, old)\nif size then\nredis.call(\"HINCRBY\", stock, \"\", 0 - size)\nredis.call(\"HDEL\", stock, old)\nend\nreturn where\nend\nforget(id)\nfor _, old in ipairs(redis.call(\"ZRANGEBYSCORE\", ends, \"-inf\", now, \"LIMIT\", 0, sweep)) do forget(old) end\nlocal evicted = 0\nwhile evicted < sweep do\nlocal all = tonumber(redis.call(\"HGET\", stock, \"\") or 0)\nif redis.call(\"ZCARD\", worth) < entries_max and all + bytes <= bytes_max then break end\nlocal least = redis.call(\"ZPOPMIN\", worth)\nif #least == 0 then break end\nlocal where = forget(least[1])\nredis.call(\"UNLINK\", bodies .. least[1])\nif where and redis.call(\"EXISTS\", vectors .. where) == 1 then redis.call(\"VREM\", vectors .. where, least[1]) end\nredis.call(\"HSET\", stock, \"*\", least[2])\nevicted = evicted + 1\nend\nlocal clock = tonumber(redis.call(\"HGET\", stock, \"*\") or 0)\nredis.call(\"HSET\", stock, id, string.format(\"%d:%s:0:%s\", bytes, ARGV[4], partition))\nredis.call(\"HINCRBY\", stock, \"\", bytes)\nredis.call(\"ZADD\", worth, clock + saves / bytes, id)\nredis.call(\"ZADD\", ends, now + ttl_ms, id)\nfor i = 1, 3 do\nif redis.call(\"PTTL\", KEYS[i]) < ttl_ms then redis.call(\"PEXPIRE\", KEYS[i], ttl_ms) end\nend\nreturn evicted",
};

/** Stores an answer under its exact key and, with a vector, among the questions of its partition. */
export const storeEntry: Script<"body" | "vectors" | "epoch" | "bodies" | "subject", "id" | "partition" | "record" | "ttl_ms" | "vector" | "sample" | "quantisation" | "links" | "since"> = {
  name: "store_entry",
  keys: ["body","vectors","epoch","bodies","subject"],
  values: ["id","partition","record","ttl_ms","vector","sample","quantisation","links","since"],
  rest: false,
  idempotent: true,
  sha1: "aa03888013f2a0553d5c2328870acfdc67205e9c",
  lua: "local body = KEYS[1]\nlocal vectors = KEYS[2]\nlocal epoch = KEYS[3]\nlocal bodies = KEYS[4]\nlocal subject = KEYS[5]\nlocal id = ARGV[1]\nlocal partition = ARGV[2]\nlocal record = ARGV[3]\nlocal ttl_ms = tonumber(ARGV[4])\nlocal vector = ARGV[5]\nlocal sample = tonumber(ARGV[6])\nlocal quantisation = ARGV[7]\nlocal links = ARGV[8]\nlocal since = ARGV[9]\nif since == \"\" then since = string.match(redis.call(\"GET\", epoch) or \"0\", \"^%d+\") end\nredis.call(\"SET\", body, since .. \":\" .. record, \"PX\", ttl_ms)\nif partition ~= \"\" then\nredis.call(\"SADD\", subject, id .. \"|\" .. partition)\nif redis.call(\"PTTL\", subject) < ttl_ms then redis.call(\"PEXPIRE\", subject, ttl_ms) end\nend\nif vector == \"\" then return 0 end\nlocal ended = 0\nfor _, old in ipairs(redis.call(\"VRANDMEMBER\", vectors, sample) or {}) do\nif redis.call(\"EXISTS\", bodies .. old) == 0 then\nredis.call(\"VREM\", vectors, old)\nended = ended + 1\nend\nend\nredis.call(\"VADD\", vectors, \"FP32\", vector, id, quantisation, \"EF\", 64, \"M\", links)\nif redis.call(\"PTTL\", vectors) < ttl_ms then redis.call(\"PEXPIRE\", vectors, ttl_ms) end\nreturn ended",
};

/** Notes that entries of one partition were served: they are worth more by it, and may live longer. */
export const touchEntries: Script<"bodies" | "vectors" | "worth" | "stock" | "ends", "served"> = {
  name: "touch_entries",
  keys: ["bodies","vectors","worth","stock","ends"],
  values: ["served"],
  rest: true,
  idempotent: false,
  sha1: "051e899fec99461b3f72ec7ba076483004552117",
  lua: "local bodies = KEYS[1]\nlocal vectors = KEYS[2]\nlocal worth = KEYS[3]\nlocal stock = KEYS[4]\nlocal ends = KEYS[5]\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal clock = tonumber(redis.call(\"HGET\", stock, \"*\") or 0)\nlocal longest, renewed = 0, 0\nfor i = 1, #ARGV, 3 do\nlocal id, served, ttl_ms = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])\nlocal left = redis.call(\"PTTL\", bodies .. id)\nif left > 0 then\nif ttl_ms > left then\nredis.call(\"PEXPIRE\", bodies .. id, ttl_ms)\nredis.call(\"ZADD\", ends, \"XX\", \"GT\", now + ttl_ms, id)\nlongest = math.max(longest, ttl_ms)\nrenewed = renewed + 1\nend\nlocal bytes, saves, hits, where = string.match(redis.call(\"HGET\", stock, id) or \"\", \"^(%d+):([^:]*):(%d+):(.*)$\")\nif bytes then\nhits = hits + served\nredis.call(\"HSET\", stock, id, string.format(\"%s:%s:%d:%s\", bytes, saves, hits, where))\nredis.call(\"ZADD\", worth, \"XX\", clock + (hits + 1) * saves / bytes, id)\nend\nend\nend\nfor i = 2, 5 do\nlocal left = redis.call(\"PTTL\", KEYS[i])\nif left >= 0 and left < longest then redis.call(\"PEXPIRE\", KEYS[i], longest) end\nend\nreturn renewed",
};
