// Written by `npm run gen` from scripts/*.lua. Do not edit.

import type { Script } from "../redis/index.ts";

/** Walks pairs of wordings in order, and gives the first that was judged the same, or that its caller is to have judged, within the budget. */
export const claimPair: Script<"verdicts" | "budget", "lease_ms" | "per_minute" | "day_micros" | "pairs"> = {
  name: "claim_pair",
  keys: ["verdicts","budget"],
  values: ["lease_ms","per_minute","day_micros","pairs"],
  rest: true,
  idempotent: true,
  shape: "[integer, \"same\" | \"busy\" | \"spent\" | \"ask\" | \"none\", integer]",
  sha1: "fb903faf54047b54c70641cbec64f9cbe5a6043d",
  lua: "local verdicts = KEYS[1]\nlocal budget = KEYS[2]\nlocal lease_ms = tonumber(ARGV[1])\nlocal per_minute = tonumber(ARGV[2])\nlocal day_micros = tonumber(ARGV[3])\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal first = 4\nfor i = first, #ARGV do\nlocal known = tonumber(redis.call(\"ZSCORE\", verdicts, ARGV[i]) or 0)\nlocal code = known % 8\nif (known - code) / 8 <= now then code = 0 end\nif code == 1 then return { i - first + 1, \"same\", 0 } end\nif code == 4 then return { i - first + 1, \"busy\", 0 } end\nif code == 0 then\nlocal minute, day = tostring(math.floor(now / 60000)), tostring(math.floor(now / 86400000))\nif redis.call(\"HGET\", budget, \"minute\") ~= minute then redis.call(\"HSET\", budget, \"minute\", minute, \"calls\", 0) end\nif redis.call(\"HGET\", budget, \"day\") ~= day then redis.call(\"HSET\", budget, \"day\", day, \"micros\", 0) end\nredis.call(\"PEXPIRE\", budget, 172800000)\nif tonumber(redis.call(\"HGET\", budget, \"calls\")) >= per_minute then return { i - first + 1, \"spent\", 0 } end\nif day_micros and tonumber(redis.call(\"HGET\", budget, \"micros\")) >= day_micros then return { i - first + 1, \"spent\", 0 } end\nredis.call(\"HINCRBY\", budget, \"calls\", 1)\nlocal each = tonumber(redis.call(\"HGET\", budget, \"each\") or 0)\nif each > 0 then redis.call(\"HINCRBY\", budget, \"micros\", each) end\nredis.call(\"ZADD\", verdicts, (now + lease_ms) * 8 + 4, ARGV[i])\nredis.call(\"PEXPIRE\", verdicts, math.max(lease_ms, redis.call(\"PTTL\", verdicts)))\nreturn { i - first + 1, \"ask\", each }\nend\nend\nreturn { 0, \"none\", 0 }",
};

/** Finds the entry of a question: its own, or the one whose alias the question is. */
export const findEntry: Script<"body" | "alias" | "epoch" | "bodies", never> = {
  name: "find_entry",
  keys: ["body","alias","epoch","bodies"],
  values: [],
  rest: false,
  idempotent: true,
  shape: "[text, text, text]",
  sha1: "db280d0c5090cc0ccac0e7b46257a898b5cbbc85",
  lua: "local body = KEYS[1]\nlocal alias = KEYS[2]\nlocal epoch = KEYS[3]\nlocal bodies = KEYS[4]\nlocal present = redis.call(\"GET\", epoch) or \"\"\nlocal own = redis.call(\"GET\", body)\nif own then return { present, own, \"\" } end\nlocal other = redis.call(\"GET\", alias)\nif not other then return { present, \"\", \"\" } end\nreturn { present, redis.call(\"GET\", bodies .. (string.match(other, \"^([^:]+):\") or \"\")) or \"\", other }",
};

/** Finds the stored questions nearest to a vector, with their entries. */
export const findSimilar: Script<"vectors" | "epoch" | "bodies" | "aliases", "vector" | "count" | "effort" | "floor"> = {
  name: "find_similar",
  keys: ["vectors","epoch","bodies","aliases"],
  values: ["vector","count","effort","floor"],
  rest: false,
  idempotent: true,
  shape: "[text, (text, text, text, text)...]",
  sha1: "eb3a7d5e3e47e8244867968b357cd25d0869c617",
  lua: "local vectors = KEYS[1]\nlocal epoch = KEYS[2]\nlocal bodies = KEYS[3]\nlocal aliases = KEYS[4]\nlocal vector = ARGV[1]\nlocal count = tonumber(ARGV[2])\nlocal effort = tonumber(ARGV[3])\nlocal floor = tonumber(ARGV[4])\nlocal found = redis.call(\"VSIM\", vectors, \"FP32\", vector, \"WITHSCORES\", \"COUNT\", count, \"EF\", effort)\nlocal reply = { redis.call(\"GET\", epoch) or \"\" }\nfor i = 1, #found, 2 do\nif tonumber(found[i + 1]) < floor then\nif i == 1 then return { reply[1], found[1], found[2], \"\", \"\" } end\nreturn reply\nend\nlocal record = redis.call(\"GET\", bodies .. found[i])\nlocal alias = not record and redis.call(\"GET\", aliases .. found[i])\nif alias then record = redis.call(\"GET\", bodies .. (string.match(alias, \"^([^:]+):\") or \"\")) end\nif record then\nreply[#reply + 1] = found[i]\nreply[#reply + 1] = found[i + 1]\nreply[#reply + 1] = record\nreply[#reply + 1] = alias or \"\"\nelse\nredis.pcall(\"VREM\", vectors, found[i])\nend\nend\nreturn reply",
};

/** Forgets the entry of a question, its own or the one whose alias the question is, with all its aliases. */
export const forgetEntry: Script<"body" | "bodies" | "aliases", "id"> = {
  name: "forget_entry",
  keys: ["body","bodies","aliases"],
  values: ["id"],
  rest: false,
  idempotent: true,
  shape: "integer",
  sha1: "49ccc02d79d1c24cb6695086a85c6e2c3fe03b2e",
  lua: "local body = KEYS[1]\nlocal bodies = KEYS[2]\nlocal aliases = KEYS[3]\nlocal id = ARGV[1]\nlocal function entry_of(alias)\nreturn alias and string.match(alias, \"^([^:]+):\")\nend\nlocal function forget_aliases(aliases, entry, vectors)\nlocal of = aliases .. \"of:\" .. entry\nlocal wordings = redis.call(\"SMEMBERS\", of)\nif #wordings == 0 then return end\nlocal indexed = vectors and redis.call(\"EXISTS\", vectors) == 1\nfor _, wording in ipairs(wordings) do\nif entry_of(redis.call(\"GET\", aliases .. wording)) == entry then redis.call(\"UNLINK\", aliases .. wording) end\nif indexed then redis.call(\"VREM\", vectors, wording) end\nend\nredis.call(\"UNLINK\", of)\nend\nlocal entry = id\nif redis.call(\"EXISTS\", body) == 0 then entry = entry_of(redis.call(\"GET\", aliases .. id)) or id end\nforget_aliases(aliases, entry, nil)\nreturn redis.call(\"UNLINK\", bodies .. entry)",
};

/** Forgets answers of one subject, a few at a time, with their questions in the index and what they weigh. */
export const forgetSubject: Script<"subject" | "bodies" | "vectors" | "worth" | "stock" | "ends" | "aliases" | "forgotten", "count" | "kept_ms"> = {
  name: "forget_subject",
  keys: ["subject","bodies","vectors","worth","stock","ends","aliases","forgotten"],
  values: ["count","kept_ms"],
  rest: false,
  idempotent: false,
  shape: "[integer, integer, (text)...]",
  sha1: "e070beda4e298759c27790f4ca550b2f5a677429",
  lua: "local subject = KEYS[1]\nlocal bodies = KEYS[2]\nlocal vectors = KEYS[3]\nlocal worth = KEYS[4]\nlocal stock = KEYS[5]\nlocal ends = KEYS[6]\nlocal aliases = KEYS[7]\nlocal forgotten = KEYS[8]\nlocal count = tonumber(ARGV[1])\nlocal kept_ms = ARGV[2]\nlocal function entry_of(alias)\nreturn alias and string.match(alias, \"^([^:]+):\")\nend\nlocal function forget_alias(aliases, wording)\nlocal entry = entry_of(redis.call(\"GET\", aliases .. wording))\nif not entry then return end\nredis.call(\"UNLINK\", aliases .. wording)\nredis.call(\"SREM\", aliases .. \"of:\" .. entry, wording)\nend\nlocal function forget_aliases(aliases, entry, vectors)\nlocal of = aliases .. \"of:\" .. entry\nlocal wordings = redis.call(\"SMEMBERS\", of)\nif #wordings == 0 then return end\nlocal indexed = vectors and redis.call(\"EXISTS\", vectors) == 1\nfor _, wording in ipairs(wordings) do\nif entry_of(redis.call(\"GET\", aliases .. wording)) == entry then redis.call(\"UNLINK\", aliases .. wording) end\nif indexed then redis.call(\"VREM\", vectors, wording) end\nend\nredis.call(\"UNLINK\", of)\nend\nlocal time = redis.call(\"TIME\")\nredis.call(\"SET\", forgotten, string.format(\"%.0f\", time[1] * 1000 + math.floor(time[2] / 1000)), \"PX\", kept_ms)\nlocal members = redis.call(\"SPOP\", subject, count)\nlocal answers = 0\nfor _, member in ipairs(members) do\nlocal id, partition = string.match(member, \"^([^|]+)|(.+)$\")\nforget_alias(aliases, id)\nforget_aliases(aliases, id, vectors .. partition)\nanswers = answers + redis.call(\"UNLINK\", bodies .. id)\nif redis.call(\"EXISTS\", vectors .. partition) == 1 then redis.call(\"VREM\", vectors .. partition, id) end\nlocal size = string.match(redis.call(\"HGET\", stock, id) or \"\", \"^(%d+):\")\nif size then\nredis.call(\"HINCRBY\", stock, \"\", 0 - size)\nredis.call(\"HDEL\", stock, id)\nredis.call(\"ZREM\", worth, id)\nredis.call(\"ZREM\", ends, id)\nend\nend\nreturn { #members, answers, unpack(members) }",
};

/** Ends all answers that bear a tag, or all of the cache: what was asked for before now serves no more. They leave with their life. */
export const invalidateTags: Script<"epoch" | "tags", "life_ms" | "names"> = {
  name: "invalidate_tags",
  keys: ["epoch","tags"],
  values: ["life_ms","names"],
  rest: true,
  idempotent: false,
  shape: "integer",
  sha1: "bee6906990f5ab926b39ec8d026982582cf1bafb",
  lua: "local epoch = KEYS[1]\nlocal tags = KEYS[2]\nlocal life_ms = ARGV[1]\nlocal known = redis.call(\"GET\", epoch) or \"0:0\"\nlocal present = tonumber(string.match(known, \"^%d+\")) + 1\nlocal all = tonumber(string.match(known, \":(%d+)\"))\nif #ARGV == 1 then\nall = present\nredis.call(\"DEL\", tags)\nend\nfor i = 2, #ARGV do redis.call(\"HSET\", tags, ARGV[i], present) end\nif #ARGV > 1 then redis.call(\"PEXPIRE\", tags, life_ms) end\nredis.call(\"SET\", epoch, string.format(\"%d:%d\", present, all), \"PX\", life_ms)\nreturn present",
};

/** Makes a wording an alias of an entry: an exact key of it, and one more question in the index. An entry of the wording's own gives way. */
export const makeAlias: Script<"target" | "own" | "aliases" | "vectors" | "subject" | "worth" | "stock" | "ends" | "epoch" | "forgotten", "id" | "entry" | "digest" | "record" | "partition" | "vector" | "quantisation" | "links" | "aliases_max" | "bytes" | "bytes_max" | "asked_ms"> = {
  name: "make_alias",
  keys: ["target","own","aliases","vectors","subject","worth","stock","ends","epoch","forgotten"],
  values: ["id","entry","digest","record","partition","vector","quantisation","links","aliases_max","bytes","bytes_max","asked_ms"],
  rest: false,
  idempotent: true,
  shape: "\"made\" | \"ended\" | \"full\"",
  sha1: "8b597b4bd6b6b41addf87895453e0d2c463ddbe3",
  lua: "local target = KEYS[1]\nlocal own = KEYS[2]\nlocal aliases = KEYS[3]\nlocal vectors = KEYS[4]\nlocal subject = KEYS[5]\nlocal worth = KEYS[6]\nlocal stock = KEYS[7]\nlocal ends = KEYS[8]\nlocal epoch = KEYS[9]\nlocal forgotten = KEYS[10]\nlocal id = ARGV[1]\nlocal entry = ARGV[2]\nlocal digest = ARGV[3]\nlocal record = ARGV[4]\nlocal partition = ARGV[5]\nlocal vector = ARGV[6]\nlocal quantisation = ARGV[7]\nlocal links = ARGV[8]\nlocal aliases_max = tonumber(ARGV[9])\nlocal bytes = tonumber(ARGV[10])\nlocal bytes_max = tonumber(ARGV[11])\nlocal asked_ms = tonumber(ARGV[12])\nlocal function entry_of(alias)\nreturn alias and string.match(alias, \"^([^:]+):\")\nend\nlocal function forget_alias(aliases, wording)\nlocal entry = entry_of(redis.call(\"GET\", aliases .. wording))\nif not entry then return end\nredis.call(\"UNLINK\", aliases .. wording)\nredis.call(\"SREM\", aliases .. \"of:\" .. entry, wording)\nend\nlocal function outlive(key, ttl_ms)\nif redis.call(\"PTTL\", key) < ttl_ms then redis.call(\"PEXPIRE\", key, math.ceil(ttl_ms * 1.05)) end\nend\nlocal body = redis.call(\"GET\", target)\nlocal life_ms = redis.call(\"PTTL\", target)\nif not body or life_ms <= 0 or id == entry or redis.sha1hex(body) ~= digest then return \"ended\" end\nlocal all = tonumber(string.match(redis.call(\"GET\", epoch) or \"\", \":(%d+)$\"))\nif all and all > tonumber(string.match(body, \"^%d+\") or 0) then return \"ended\" end\nif partition ~= \"\" and (tonumber(redis.call(\"GET\", forgotten) or 0) or 0) >= asked_ms then return \"ended\" end\nlocal of = aliases .. \"of:\" .. entry\nif redis.call(\"SCARD\", aliases .. \"of:\" .. id) > 0 then return \"full\" end\nif redis.call(\"SISMEMBER\", of, id) == 0 and redis.call(\"SCARD\", of) >= aliases_max then return \"full\" end\nlocal size, rest = string.match(redis.call(\"HGET\", stock, entry) or \"\", \"^(%d+)(:.*)$\")\nif size and redis.call(\"GET\", aliases .. id) == false then\nlocal all = tonumber(redis.call(\"HGET\", stock, \"\") or 0)\nif bytes_max and all + bytes > bytes_max then return \"full\" end\nredis.call(\"HSET\", stock, entry, (tonumber(size) + bytes) .. rest)\nredis.call(\"HINCRBY\", stock, \"\", bytes)\nend\nforget_alias(aliases, id)\nif redis.call(\"UNLINK\", own) == 1 then\nlocal taken = string.match(redis.call(\"HGET\", stock, id) or \"\", \"^(%d+):\")\nif taken then\nredis.call(\"HINCRBY\", stock, \"\", 0 - taken)\nredis.call(\"HDEL\", stock, id)\nend\nredis.call(\"ZREM\", worth, id)\nredis.call(\"ZREM\", ends, id)\nend\nredis.call(\"SET\", aliases .. id, entry .. \":\" .. record, \"PX\", life_ms)\nredis.call(\"SADD\", of, id)\nredis.call(\"PEXPIRE\", of, life_ms)\nif partition ~= \"\" then\nredis.call(\"SADD\", subject, id .. \"|\" .. partition)\noutlive(subject, life_ms)\nend\nif vector ~= \"\" then\nredis.call(\"VADD\", vectors, \"FP32\", vector, id, quantisation, \"EF\", 64, \"M\", links)\noutlive(vectors, life_ms)\nend\nreturn \"made\"",
};

/** Makes room for an entry within the bounds of a cache, and writes down what it weighs. What is worth least goes first. */
export const makeRoom: Script<"worth" | "stock" | "ends" | "bodies" | "vectors" | "aliases", "id" | "partition" | "bytes" | "saves" | "ttl_ms" | "entries_max" | "bytes_max" | "sweep"> = {
  name: "make_room",
  keys: ["worth","stock","ends","bodies","vectors","aliases"],
  values: ["id","partition","bytes","saves","ttl_ms","entries_max","bytes_max","sweep"],
  rest: false,
  idempotent: true,
  shape: "[(text)...]",
  sha1: "67972d13a0b40b1b1a49e101aaf3e19d7f3e33c8",
  lua: "local worth = KEYS[1]\nlocal stock = KEYS[2]\nlocal ends = KEYS[3]\nlocal bodies = KEYS[4]\nlocal vectors = KEYS[5]\nlocal aliases = KEYS[6]\nlocal id = ARGV[1]\nlocal partition = ARGV[2]\nlocal bytes = tonumber(ARGV[3])\nlocal saves = tonumber(ARGV[4])\nlocal ttl_ms = tonumber(ARGV[5])\nlocal entries_max = tonumber(ARGV[6])\nlocal bytes_max = tonumber(ARGV[7])\nlocal sweep = tonumber(ARGV[8])\nlocal function entry_of(alias)\nreturn alias and string.match(alias, \"^([^:]+):\")\nend\nlocal function forget_aliases(aliases, entry, vectors)\nlocal of = aliases .. \"of:\" .. entry\nlocal wordings = redis.call(\"SMEMBERS\", of)\nif #wordings == 0 then return end\nlocal indexed = vectors and redis.call(\"EXISTS\", vectors) == 1\nfor _, wording in ipairs(wordings) do\nif entry_of(redis.call(\"GET\", aliases .. wording)) == entry then redis.call(\"UNLINK\", aliases .. wording) end\nif indexed then redis.call(\"VREM\", vectors, wording) end\nend\nredis.call(\"UNLINK\", of)\nend\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal function forget(old)\nlocal size, where = string.match(redis.call(\"HGET\", stock, old) or \"\", \"^(%d+):[^:]*:%d+:(.*)$\")\nredis.call(\"ZREM\", worth, old)\nredis.call(\"ZREM\", ends, old)\nif size then\nredis.call(\"HINCRBY\", stock, \"\", 0 - size)\nredis.call(\"HDEL\", stock, old)\nend\nreturn where\nend\nforget(id)\nfor _, old in ipairs(redis.call(\"ZRANGEBYSCORE\", ends, \"-inf\", now, \"LIMIT\", 0, sweep)) do forget(old) end\nlocal evicted = {}\nwhile #evicted < sweep do\nlocal all = tonumber(redis.call(\"HGET\", stock, \"\") or 0)\nif redis.call(\"ZCARD\", worth) < entries_max and all + bytes <= bytes_max then break end\nlocal least = redis.call(\"ZPOPMIN\", worth)\nif #least == 0 then break end\nlocal where = forget(least[1])\nredis.call(\"UNLINK\", bodies .. least[1])\nforget_aliases(aliases, least[1], where and vectors .. where)\nif where and redis.call(\"EXISTS\", vectors .. where) == 1 then redis.call(\"VREM\", vectors .. where, least[1]) end\nredis.call(\"HSET\", stock, \"*\", least[2])\nevicted[#evicted + 1] = least[1] .. \"|\" .. (where or \"\")\nend\nlocal clock = tonumber(redis.call(\"HGET\", stock, \"*\") or 0)\nredis.call(\"HSET\", stock, id, string.format(\"%d:%s:0:%s\", bytes, ARGV[4], partition))\nredis.call(\"HINCRBY\", stock, \"\", bytes)\nredis.call(\"ZADD\", worth, clock + saves / bytes, id)\nredis.call(\"ZADD\", ends, now + ttl_ms, id)\nfor i = 1, 3 do\nif redis.call(\"PTTL\", KEYS[i]) < ttl_ms then redis.call(\"PEXPIRE\", KEYS[i], ttl_ms) end\nend\nreturn evicted",
};

/** Reads the entries of questions that an engine outside of this script found to be near. */
export const readEntries: Script<"epoch" | "bodies" | "aliases", "ids"> = {
  name: "read_entries",
  keys: ["epoch","bodies","aliases"],
  values: ["ids"],
  rest: true,
  idempotent: true,
  shape: "[text, (text, text)...]",
  sha1: "62ac67d8981ac7534f15be4f98d591e584160174",
  lua: "local epoch = KEYS[1]\nlocal bodies = KEYS[2]\nlocal aliases = KEYS[3]\nlocal reply = { redis.call(\"GET\", epoch) or \"\" }\nfor _, id in ipairs(ARGV) do\nlocal record = redis.call(\"GET\", bodies .. id)\nlocal alias = not record and redis.call(\"GET\", aliases .. id)\nif alias then record = redis.call(\"GET\", bodies .. (string.match(alias, \"^([^:]+):\") or \"\")) end\nreply[#reply + 1] = record or \"\"\nreply[#reply + 1] = record and alias or \"\"\nend\nreturn reply",
};

/** Writes an audit into the ledgers of its bands. A band whose latest audits speak against it starts anew. */
export const recordAudit: Script<"audits", "right" | "doubt" | "alarm" | "counts_max" | "bands"> = {
  name: "record_audit",
  keys: ["audits"],
  values: ["right","doubt","alarm","counts_max","bands"],
  rest: true,
  idempotent: false,
  shape: "integer",
  sha1: "a44eae38eb582ab2587ad6ba5e9228bca7a3ccd4",
  lua: "local audits = KEYS[1]\nlocal right = ARGV[1]\nlocal doubt = tonumber(ARGV[2])\nlocal alarm = tonumber(ARGV[3])\nlocal counts_max = tonumber(ARGV[4])\nlocal anew = 0\nredis.call(\"HINCRBY\", audits, \"audited\", 1)\nif right == \"0\" then redis.call(\"HINCRBY\", audits, \"wrong\", 1) end\nfor i = 5, #ARGV do\nlocal good, bad, held = \"right:\" .. ARGV[i], \"wrong:\" .. ARGV[i], \"doubt:\" .. ARGV[i]\nlocal doubted = math.max(0, tonumber(redis.call(\"HGET\", audits, held) or 0) + doubt)\nif doubted >= alarm then\nredis.call(\"HDEL\", audits, good, bad, held)\nanew = anew + 1\nelse\nredis.call(\"HSET\", audits, held, string.format(\"%.9f\", doubted))\nredis.call(\"HINCRBY\", audits, right == \"1\" and good or bad, 1)\nlocal rights = tonumber(redis.call(\"HGET\", audits, good) or 0)\nlocal wrongs = tonumber(redis.call(\"HGET\", audits, bad) or 0)\nif rights + wrongs > counts_max then\nredis.call(\"HSET\", audits, good, math.floor(rights / 2), bad, math.ceil(wrongs / 2))\nend\nend\nend\nreturn anew",
};

/** Finds the stored questions nearest to a vector by the server's search command, with their entries. */
export const searchSimilar: Script<"contract" | "epoch" | "bodies" | "aliases", "agreed" | "start" | "count" | "floor" | "command"> = {
  name: "search_similar",
  keys: ["contract","epoch","bodies","aliases"],
  values: ["agreed","start","count","floor","command"],
  rest: true,
  idempotent: true,
  shape: "[text, (text, text, text, text)...] | nil",
  sha1: "4ee5922b6393dc92d1600239edaf3ba5f7facc56",
  lua: "local contract = KEYS[1]\nlocal epoch = KEYS[2]\nlocal bodies = KEYS[3]\nlocal aliases = KEYS[4]\nlocal agreed = ARGV[1]\nlocal start = ARGV[2]\nlocal count = tonumber(ARGV[3])\nlocal floor = tonumber(ARGV[4])\nlocal function nearest_of(found, start)\nlocal near = {}\nfor i = 2, #found - 1, 2 do\nlocal fields = found[i + 1]\nlocal distance = type(fields) == \"table\" and tonumber(fields[2] or \"\")\nif distance and math.abs(distance) < math.huge and string.sub(found[i], 1, #start) == start then\nnear[#near + 1] = { id = string.sub(found[i], #start + 1), distance = distance }\nend\nend\ntable.sort(near, function(a, b) return a.distance < b.distance end)\nreturn near\nend\nlocal reply = { redis.call(\"GET\", epoch) or \"\" }\nlocal known = redis.call(\"GET\", contract)\nif not known then return reply end\nif known ~= agreed then return nil end\nlocal found = redis.pcall(unpack(ARGV, 5))\nif type(found) ~= \"table\" or found.err then return nil end\nfor i, near in ipairs(nearest_of(found, start)) do\nif i > count then break end\nlocal score = 1 - near.distance / 2\nlocal far = score < floor\nif far and i > 1 then break end\nlocal record = not far and redis.call(\"GET\", bodies .. near.id)\nlocal alias = not far and not record and redis.call(\"GET\", aliases .. near.id)\nif alias then record = redis.call(\"GET\", bodies .. (string.match(alias, \"^([^:]+):\") or \"\")) end\nreply[#reply + 1] = near.id\nreply[#reply + 1] = string.format(\"%.9f\", score)\nreply[#reply + 1] = record or \"\"\nreply[#reply + 1] = record and alias or not record and not far and \"gone\" or \"\"\nif far then break end\nend\nreturn reply",
};

/** Remembers a verdict on a pair of wordings, and what it cost. */
export const settleVerdict: Script<"verdicts" | "budget", "pair" | "code" | "ttl_ms" | "verdicts_max" | "micros" | "aside"> = {
  name: "settle_verdict",
  keys: ["verdicts","budget"],
  values: ["pair","code","ttl_ms","verdicts_max","micros","aside"],
  rest: false,
  idempotent: false,
  shape: "integer",
  sha1: "55e41d3b4e5f71721e139209e2314438edc90462",
  lua: "local verdicts = KEYS[1]\nlocal budget = KEYS[2]\nlocal pair = ARGV[1]\nlocal code = tonumber(ARGV[2])\nlocal ttl_ms = tonumber(ARGV[3])\nlocal verdicts_max = tonumber(ARGV[4])\nlocal micros = tonumber(ARGV[5])\nlocal aside = tonumber(ARGV[6])\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nredis.call(\"ZADD\", verdicts, (now + ttl_ms) * 8 + code, pair)\nredis.call(\"ZREMRANGEBYSCORE\", verdicts, \"-inf\", now * 8)\nredis.call(\"ZREMRANGEBYRANK\", verdicts, 0, -(verdicts_max + 1))\nredis.call(\"PEXPIRE\", verdicts, math.max(ttl_ms, redis.call(\"PTTL\", verdicts)))\nif micros > 0 or aside > 0 then\nlocal day = tostring(math.floor(now / 86400000))\nif redis.call(\"HGET\", budget, \"day\") ~= day then\nredis.call(\"HSET\", budget, \"day\", day, \"micros\", 0)\naside = 0\nend\nredis.call(\"HINCRBY\", budget, \"micros\", micros - aside)\nif micros > 0 then redis.call(\"HSET\", budget, \"each\", micros) end\nredis.call(\"PEXPIRE\", budget, 172800000)\nend\nreturn redis.call(\"ZCARD\", verdicts)",
};

/** Stores an answer under its exact key and, with a vector, among the questions of its partition. */
export const storeEntry: Script<"body" | "vectors" | "epoch" | "bodies" | "aliases" | "subject" | "forgotten", "id" | "partition" | "record" | "ttl_ms" | "vector" | "sample" | "quantisation" | "links" | "since" | "keep_alias" | "asked_ago"> = {
  name: "store_entry",
  keys: ["body","vectors","epoch","bodies","aliases","subject","forgotten"],
  values: ["id","partition","record","ttl_ms","vector","sample","quantisation","links","since","keep_alias","asked_ago"],
  rest: false,
  idempotent: true,
  shape: "integer",
  sha1: "f718e85e2390682cb7b9a262843c7a29e4d78bab",
  lua: "local body = KEYS[1]\nlocal vectors = KEYS[2]\nlocal epoch = KEYS[3]\nlocal bodies = KEYS[4]\nlocal aliases = KEYS[5]\nlocal subject = KEYS[6]\nlocal forgotten = KEYS[7]\nlocal id = ARGV[1]\nlocal partition = ARGV[2]\nlocal record = ARGV[3]\nlocal ttl_ms = tonumber(ARGV[4])\nlocal vector = ARGV[5]\nlocal sample = tonumber(ARGV[6])\nlocal quantisation = ARGV[7]\nlocal links = ARGV[8]\nlocal since = ARGV[9]\nlocal keep_alias = ARGV[10]\nlocal asked_ago = tonumber(ARGV[11])\nlocal function entry_of(alias)\nreturn alias and string.match(alias, \"^([^:]+):\")\nend\nlocal function forget_alias(aliases, wording)\nlocal entry = entry_of(redis.call(\"GET\", aliases .. wording))\nif not entry then return end\nredis.call(\"UNLINK\", aliases .. wording)\nredis.call(\"SREM\", aliases .. \"of:\" .. entry, wording)\nend\nlocal function forget_aliases(aliases, entry, vectors)\nlocal of = aliases .. \"of:\" .. entry\nlocal wordings = redis.call(\"SMEMBERS\", of)\nif #wordings == 0 then return end\nlocal indexed = vectors and redis.call(\"EXISTS\", vectors) == 1\nfor _, wording in ipairs(wordings) do\nif entry_of(redis.call(\"GET\", aliases .. wording)) == entry then redis.call(\"UNLINK\", aliases .. wording) end\nif indexed then redis.call(\"VREM\", vectors, wording) end\nend\nredis.call(\"UNLINK\", of)\nend\nlocal function outlive(key, ttl_ms)\nif redis.call(\"PTTL\", key) < ttl_ms then redis.call(\"PEXPIRE\", key, math.ceil(ttl_ms * 1.05)) end\nend\nlocal function take_out(count)\nlocal ended = 0\nfor _, old in ipairs(redis.call(\"VRANDMEMBER\", vectors, count) or {}) do\nif redis.call(\"EXISTS\", bodies .. old, aliases .. old) == 0 then\nredis.call(\"VREM\", vectors, old)\nended = ended + 1\nend\nend\nreturn ended\nend\nlocal forgotten_ms = partition ~= \"\" and tonumber(redis.call(\"GET\", forgotten) or nil)\nif forgotten_ms then\nlocal time = redis.call(\"TIME\")\nif time[1] * 1000 + math.floor(time[2] / 1000) - asked_ago <= forgotten_ms then return -1 end\nend\nlocal alias = redis.call(\"GET\", aliases .. id)\nif alias then\nif keep_alias == \"1\" and redis.call(\"EXISTS\", bodies .. entry_of(alias)) == 1 then return 0 end\nforget_alias(aliases, id)\nend\nforget_aliases(aliases, id, vector ~= \"\" and vectors or nil)\nif since == \"\" then since = string.match(redis.call(\"GET\", epoch) or \"0\", \"^%d+\") end\nredis.call(\"SET\", body, since .. \":\" .. record, \"PX\", ttl_ms)\nif partition ~= \"\" then\nredis.call(\"SADD\", subject, id .. \"|\" .. partition)\noutlive(subject, ttl_ms)\nend\nif vector == \"\" then return 0 end\nlocal found = take_out(1)\nlocal ended = found\nfor _ = 1, 4 do\nif found == 0 then break end\nfound = take_out(sample)\nended = ended + found\nend\nredis.call(\"VADD\", vectors, \"FP32\", vector, id, quantisation, \"EF\", 64, \"M\", links)\noutlive(vectors, ttl_ms)\nreturn ended",
};

/** Notes that entries of one partition were served: they are worth more by it, and may live longer. */
export const touchEntries: Script<"bodies" | "vectors" | "worth" | "stock" | "ends" | "aliases", "served"> = {
  name: "touch_entries",
  keys: ["bodies","vectors","worth","stock","ends","aliases"],
  values: ["served"],
  rest: true,
  idempotent: false,
  shape: "integer",
  sha1: "7e6963a73705f173a0636f91cfde52431fcbf949",
  lua: "local bodies = KEYS[1]\nlocal vectors = KEYS[2]\nlocal worth = KEYS[3]\nlocal stock = KEYS[4]\nlocal ends = KEYS[5]\nlocal aliases = KEYS[6]\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal clock = tonumber(redis.call(\"HGET\", stock, \"*\") or 0)\nlocal longest, renewed = 0, 0\nfor i = 1, #ARGV, 3 do\nlocal id, served, ttl_ms = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])\nlocal left = redis.call(\"PTTL\", bodies .. id)\nif left > 0 then\nif ttl_ms > left then\nredis.call(\"PEXPIRE\", bodies .. id, ttl_ms)\nlocal wordings = redis.call(\"SMEMBERS\", aliases .. \"of:\" .. id)\nif #wordings > 0 then redis.call(\"PEXPIRE\", aliases .. \"of:\" .. id, ttl_ms) end\nfor _, wording in ipairs(wordings) do redis.call(\"PEXPIRE\", aliases .. wording, ttl_ms) end\nredis.call(\"ZADD\", ends, \"XX\", \"GT\", now + ttl_ms, id)\nlongest = math.max(longest, ttl_ms)\nrenewed = renewed + 1\nend\nlocal bytes, saves, hits, where = string.match(redis.call(\"HGET\", stock, id) or \"\", \"^(%d+):([^:]*):(%d+):(.*)$\")\nif bytes then\nhits = hits + served\nredis.call(\"HSET\", stock, id, string.format(\"%s:%s:%d:%s\", bytes, saves, hits, where))\nredis.call(\"ZADD\", worth, \"XX\", clock + (hits + 1) * saves / bytes, id)\nend\nend\nend\nfor i = 2, 5 do\nlocal left = redis.call(\"PTTL\", KEYS[i])\nif left >= 0 and left < longest then redis.call(\"PEXPIRE\", KEYS[i], longest) end\nend\nreturn renewed",
};
