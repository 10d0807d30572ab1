// Written by `npm run gen` from scripts/*.lua. Do not edit.

import type { Script } from "../redis/index.ts";

/** Moves a migration from one phase to the next, if it is where it should be. */
export const advanceMigration: Script<"state", "from" | "to" | "verified" | "rest_ms"> = {
  name: "advance_migration",
  keys: ["state"],
  values: ["from","to","verified","rest_ms"],
  rest: false,
  idempotent: true,
  shape: "0 | 1",
  sha1: "7396bf23656ca09b6746436e919b38a9f1c13e88",
  lua: "local state = KEYS[1]\nlocal from = ARGV[1]\nlocal to = ARGV[2]\nlocal verified = ARGV[3]\nlocal rest_ms = tonumber(ARGV[4])\nlocal phase = redis.call(\"HGET\", state, \"phase\") or \"copying\"\nif phase == to then return 1 end\nif phase ~= from then return 0 end\nif verified == \"1\" and redis.call(\"HGET\", state, \"verified\") ~= \"1\" then return 0 end\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal since = tonumber(redis.call(\"HGET\", state, \"since\") or \"0\")\nif now - since < rest_ms then return 0 end\nredis.call(\"HSET\", state, \"phase\", to, \"since\", string.format(\"%.0f\", now), \"verified\", \"0\")\nreturn 1",
};

/** Notes that an installation has a search index, if it may have one more. */
export const claimIndex: Script<"indexes", "name" | "most"> = {
  name: "claim_index",
  keys: ["indexes"],
  values: ["name","most"],
  rest: false,
  idempotent: true,
  shape: "0 | 1",
  sha1: "3d6ba6f8a0b20dffe7f59bfb82f447f4913143dc",
  lua: "local indexes = KEYS[1]\nlocal name = ARGV[1]\nlocal most = tonumber(ARGV[2])\nif redis.call(\"SISMEMBER\", indexes, name) == 1 then return 1 end\nif redis.call(\"SCARD\", indexes) >= most then return 0 end\nredis.call(\"SADD\", indexes, name)\nreturn 1",
};

/** Counts the items of a namespace that have not ended, where items are hashes. */
export const countDocuments: Script<"ids" | "due", never> = {
  name: "count_documents",
  keys: ["ids","due"],
  values: [],
  rest: false,
  idempotent: true,
  shape: "integer",
  sha1: "fde358fd80e8af6cddc9f1f8f724dd06c9210006",
  lua: "local ids = KEYS[1]\nlocal due = KEYS[2]\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nreturn redis.call(\"SCARD\", ids) - redis.call(\"ZCOUNT\", due, \"-inf\", now)",
};

/** Counts the items of a namespace that have not ended, and says what they take. */
export const countItems: Script<"set" | "items" | "due", never> = {
  name: "count_items",
  keys: ["set","items","due"],
  values: [],
  rest: false,
  idempotent: true,
  shape: "[integer, integer, integer, integer]",
  sha1: "a4326274451a699302880fc98d03f3d2b74ee81a",
  lua: "local set = KEYS[1]\nlocal items = KEYS[2]\nlocal due = KEYS[3]\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal count = redis.call(\"HLEN\", items) - redis.call(\"ZCOUNT\", due, \"-inf\", now)\nlocal function bytes(key) return redis.call(\"MEMORY\", \"USAGE\", key) or 0 end\nreturn { count, redis.call(\"VCARD\", set), bytes(set), bytes(items) }",
};

/** Counts the items of a partition of the local engine that have not ended, and says what they take. */
export const countRows: Script<"items" | "rows" | "due", never> = {
  name: "count_rows",
  keys: ["items","rows","due"],
  values: [],
  rest: false,
  idempotent: true,
  shape: "[integer, integer, integer, integer]",
  sha1: "aa35b6a52155dca25fe1f52ac2db8c0ab51f77ce",
  lua: "local items = KEYS[1]\nlocal rows = KEYS[2]\nlocal due = KEYS[3]\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal count = redis.call(\"HLEN\", items) - redis.call(\"ZCOUNT\", due, \"-inf\", now)\nlocal function bytes(key) return redis.call(\"MEMORY\", \"USAGE\", key) or 0 end\nreturn { count, redis.call(\"HLEN\", rows), bytes(rows), bytes(items) }",
};

/** Deletes items that are hashes. */
export const deleteDocuments: Script<"ids" | "due" | "documents", "gone"> = {
  name: "delete_documents",
  keys: ["ids","due","documents"],
  values: ["gone"],
  rest: true,
  idempotent: true,
  shape: "integer",
  sha1: "e339489520555255ab1376780c3799cbd40b37e3",
  lua: "local ids = KEYS[1]\nlocal due = KEYS[2]\nredis.call(\"SREM\", ids, unpack(ARGV))\nredis.call(\"ZREM\", due, unpack(ARGV))\nreturn redis.call(\"UNLINK\", unpack(KEYS, 3))",
};

/** Deletes items by id. */
export const deleteItems: Script<"set" | "items" | "due", "ids"> = {
  name: "delete_items",
  keys: ["set","items","due"],
  values: ["ids"],
  rest: true,
  idempotent: true,
  shape: "integer",
  sha1: "7226759a8e2cbe43116f25baf71908d59540d242",
  lua: "local set = KEYS[1]\nlocal items = KEYS[2]\nlocal due = KEYS[3]\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal deleted = 0\nfor _, id in ipairs(ARGV) do\nlocal ends = redis.call(\"ZSCORE\", due, id)\nlocal had = redis.call(\"HDEL\", items, id)\nredis.call(\"ZREM\", due, id)\nredis.call(\"VREM\", set, id)\nif not (ends and tonumber(ends) <= now) then deleted = deleted + had end\nend\nreturn deleted",
};

/** Deletes items of the local engine by id. */
export const deleteRows: Script<"items" | "rows" | "due" | "changes" | "gone" | "meta" | "marks", "ids"> = {
  name: "delete_rows",
  keys: ["items","rows","due","changes","gone","meta","marks"],
  values: ["ids"],
  rest: true,
  idempotent: true,
  shape: "integer",
  sha1: "753f605b5e419240a419e57a908952c1a0f2fbdf",
  lua: "local function next_change(meta, marks)\nlocal time = redis.call(\"TIME\")\nlocal micros = time[1] * 1000000 + time[2]\nlocal known = redis.call(\"HMGET\", meta, \"last\", \"marked\")\nlocal number = known[1] and tonumber(known[1]) + 1 or micros\nif not known[2] then redis.call(\"HSET\", meta, \"marked\", string.format(\"%.0f\", number)) end\nlocal place = (number - tonumber(known[2] or number)) % 4096\nredis.call(\"SETRANGE\", marks, string.format(\"%.0f\", 4 * place), struct.pack(\">I4\", micros % 4294967296))\nnumber = string.format(\"%.0f\", number)\nredis.call(\"HSET\", meta, \"last\", number)\nreturn number\nend\nlocal function note_gone(meta, marks, changes, gone, id)\nlocal number = next_change(meta, marks)\nredis.call(\"ZADD\", changes, number, id)\nredis.call(\"ZADD\", gone, number, id)\nif redis.call(\"ZCARD\", gone) > 1000 then\nlocal oldest = redis.call(\"ZPOPMIN\", gone)\nredis.call(\"ZREM\", changes, oldest[1])\nredis.call(\"HSET\", meta, \"floor\", string.format(\"%.0f\", oldest[2]))\nend\nend\nlocal items = KEYS[1]\nlocal rows = KEYS[2]\nlocal due = KEYS[3]\nlocal changes = KEYS[4]\nlocal gone = KEYS[5]\nlocal meta = KEYS[6]\nlocal marks = KEYS[7]\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal deleted = 0\nfor _, id in ipairs(ARGV) do\nlocal ends = redis.call(\"ZSCORE\", due, id)\nif redis.call(\"HDEL\", items, id) == 1 then\nredis.call(\"HDEL\", rows, id)\nredis.call(\"ZREM\", due, id)\nnote_gone(meta, marks, changes, gone, id)\nif not (ends and tonumber(ends) <= now) then deleted = deleted + 1 end\nend\nend\nreturn deleted",
};

/** Deletes what a namespace has beside its hashes, if it has no items: with it, items that are written meanwhile can be listed and deleted. */
export const dropDocuments: Script<"ids" | "due" | "contract", never> = {
  name: "drop_documents",
  keys: ["ids","due","contract"],
  values: [],
  rest: false,
  idempotent: true,
  shape: "0 | 1",
  sha1: "c2ab624b2e5194175c18502cb1aadb0e274a2b6f",
  lua: "local ids = KEYS[1]\nlocal due = KEYS[2]\nlocal contract = KEYS[3]\nif redis.call(\"EXISTS\", ids) == 1 then return 0 end\nredis.call(\"UNLINK\", due, contract)\nreturn 1",
};

/** Notes what is known of a collection or a migration, while there is room in the list of them. */
export const noteListed: Script<"listed" | "order", "name" | "about" | "room"> = {
  name: "note_listed",
  keys: ["listed","order"],
  values: ["name","about","room"],
  rest: false,
  idempotent: true,
  shape: "0 | 1",
  sha1: "47a9107513c75e8e319805d37fe88b6a6243e715",
  lua: "local listed = KEYS[1]\nlocal order = KEYS[2]\nlocal name = ARGV[1]\nlocal about = ARGV[2]\nlocal room = tonumber(ARGV[3])\nif redis.call(\"HEXISTS\", listed, name) == 0 and redis.call(\"HLEN\", listed) >= room then return 0 end\nredis.call(\"HSET\", listed, name, about)\nredis.call(\"ZADD\", order, 0, name)\nreturn 1",
};

/** Stores one item whole as a hash that a search index follows, if what is there is still what was read. */
export const putDocument: Script<"contract" | "ids" | "due" | "document", "agreed" | "before" | "id" | "ttl_ms" | "fields"> = {
  name: "put_document",
  keys: ["contract","ids","due","document"],
  values: ["agreed","before","id","ttl_ms","fields"],
  rest: true,
  idempotent: false,
  shape: "0 | 1 | text",
  sha1: "5b117602393e4ae945d2c17756fa884ccb99fd2c",
  lua: "local contract = KEYS[1]\nlocal ids = KEYS[2]\nlocal due = KEYS[3]\nlocal document = KEYS[4]\nlocal agreed = ARGV[1]\nlocal before = ARGV[2]\nlocal id = ARGV[3]\nlocal ttl_ms = tonumber(ARGV[4])\nlocal known = redis.call(\"GET\", contract)\nif known and known ~= agreed then return known end\nif (redis.call(\"HGET\", document, \"r\") or \"\") ~= before then return 0 end\nif not known then redis.call(\"SET\", contract, agreed) end\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nredis.call(\"UNLINK\", document)\nredis.call(\"HSET\", document, unpack(ARGV, 5))\nredis.call(\"SADD\", ids, id)\nif ttl_ms > 0 then\nredis.call(\"PEXPIRE\", document, ttl_ms)\nredis.call(\"ZADD\", due, now + ttl_ms, id)\nelse\nredis.call(\"ZREM\", due, id)\nend\nreturn 1",
};

/** Stores one item whole, if what is there is still what was read. */
export const putItem: Script<"set" | "items" | "due" | "contract", "agreed" | "quantisation" | "before" | "row"> = {
  name: "put_item",
  keys: ["set","items","due","contract"],
  values: ["agreed","quantisation","before","row"],
  rest: true,
  idempotent: false,
  shape: "0 | 1 | text",
  sha1: "04f9c1daf112a81d2ae4f54987cbbcd5e3b2c1dd",
  lua: "local set = KEYS[1]\nlocal items = KEYS[2]\nlocal due = KEYS[3]\nlocal contract = KEYS[4]\nlocal agreed = ARGV[1]\nlocal quantisation = ARGV[2]\nlocal before = ARGV[3]\nlocal known = redis.call(\"GET\", contract)\nif known and known ~= agreed then return known end\nlocal id, ttl_ms = ARGV[4], tonumber(ARGV[8])\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal ends = redis.call(\"ZSCORE\", due, id)\nlocal present = redis.call(\"HGET\", items, id)\nif not present or (ends and tonumber(ends) <= now) then present = \"\" end\nif present ~= before then return 0 end\nif not known then redis.call(\"SET\", contract, agreed) end\nredis.call(\"VADD\", set, \"FP32\", ARGV[5], id, quantisation, \"SETATTR\", ARGV[6])\nredis.call(\"HSET\", items, id, ARGV[7])\nif ttl_ms > 0 then\nredis.call(\"ZADD\", due, now + ttl_ms, id)\nelse\nredis.call(\"ZREM\", due, id)\nend\nreturn 1",
};

/** Stores one item of the local engine whole, if what is there is still what was read. */
export const putRow: Script<"items" | "rows" | "due" | "changes" | "gone" | "meta" | "marks", "agreed" | "before" | "given"> = {
  name: "put_row",
  keys: ["items","rows","due","changes","gone","meta","marks"],
  values: ["agreed","before","given"],
  rest: true,
  idempotent: false,
  shape: "0 | 1 | text",
  sha1: "00bf141d0d4a31701a6e92d917364dfdac156993",
  lua: "local function next_change(meta, marks)\nlocal time = redis.call(\"TIME\")\nlocal micros = time[1] * 1000000 + time[2]\nlocal known = redis.call(\"HMGET\", meta, \"last\", \"marked\")\nlocal number = known[1] and tonumber(known[1]) + 1 or micros\nif not known[2] then redis.call(\"HSET\", meta, \"marked\", string.format(\"%.0f\", number)) end\nlocal place = (number - tonumber(known[2] or number)) % 4096\nredis.call(\"SETRANGE\", marks, string.format(\"%.0f\", 4 * place), struct.pack(\">I4\", micros % 4294967296))\nnumber = string.format(\"%.0f\", number)\nredis.call(\"HSET\", meta, \"last\", number)\nreturn number\nend\nlocal function note_row(meta, marks, changes, gone, id)\nredis.call(\"ZADD\", changes, next_change(meta, marks), id)\nredis.call(\"ZREM\", gone, id)\nend\nlocal items = KEYS[1]\nlocal rows = KEYS[2]\nlocal due = KEYS[3]\nlocal changes = KEYS[4]\nlocal gone = KEYS[5]\nlocal meta = KEYS[6]\nlocal marks = KEYS[7]\nlocal agreed = ARGV[1]\nlocal before = ARGV[2]\nlocal known = redis.call(\"HGET\", meta, \"contract\")\nif known and known ~= agreed then return known end\nlocal id, ttl_ms = ARGV[3], tonumber(ARGV[6])\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal ends = redis.call(\"ZSCORE\", due, id)\nlocal present = redis.call(\"HGET\", items, id)\nif not present or (ends and tonumber(ends) <= now) then present = \"\" end\nif present ~= before then return 0 end\nif not known then redis.call(\"HSET\", meta, \"contract\", agreed, \"born\", next_change(meta, marks)) end\nredis.call(\"HSET\", rows, id, ARGV[4])\nredis.call(\"HSET\", items, id, ARGV[5])\nif ttl_ms > 0 then\nredis.call(\"ZADD\", due, now + ttl_ms, id)\nelse\nredis.call(\"ZREM\", due, id)\nend\nnote_row(meta, marks, changes, gone, id)\nreturn 1",
};

/** Reads items by id. */
export const readItems: Script<"set" | "items" | "due", "vectors" | "ids"> = {
  name: "read_items",
  keys: ["set","items","due"],
  values: ["vectors","ids"],
  rest: true,
  idempotent: true,
  shape: "[(nil | [text, text] | [text, text, any])...]",
  sha1: "6a4ed6774c147b260f43348d791cbb0dab59b79a",
  lua: "local set = KEYS[1]\nlocal items = KEYS[2]\nlocal due = KEYS[3]\nlocal vectors = ARGV[1]\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal ids = { unpack(ARGV, 2) }\nlocal records = redis.call(\"HMGET\", items, unpack(ids))\nlocal ends = redis.call(\"ZMSCORE\", due, unpack(ids))\nlocal reply = {}\nfor i = 1, #ids do\nlocal left = ends[i] and tonumber(ends[i]) - now or 0\nif not records[i] or (ends[i] and left <= 0) then\nreply[i] = false\nelse\nreply[i] = { records[i], string.format(\"%.0f\", left) }\nif vectors == \"1\" then reply[i][3] = redis.call(\"VEMB\", set, ids[i], \"RAW\") end\nend\nend\nreturn reply",
};

/** Reads items of the local engine by id, and what changed in their partition since a process last looked. */
export const readRows: Script<"items" | "rows" | "due" | "changes" | "gone" | "meta" | "marks", "agreed" | "born" | "since" | "base" | "head" | "mark" | "count" | "room" | "vectors" | "ids"> = {
  name: "read_rows",
  keys: ["items","rows","due","changes","gone","meta","marks"],
  values: ["agreed","born","since","base","head","mark","count","room","vectors","ids"],
  rest: true,
  idempotent: true,
  shape: "[text, 0 | 1, text, text, text, 0 | 1, text, integer, [(text, text | nil, text | nil)...], [(nil | [text, text] | [text, text, text | nil])...]] | text",
  sha1: "8ba84526e1e470febfca9f1fe21de69a223dd8c0",
  lua: "local function mark_of(marks, marked, last, number)\nif not last then return false end\nif not marked then return number == tonumber(last) and \"\" end\nif number < tonumber(marked) or number > tonumber(last) or tonumber(last) - number >= 4096 then return false end\nlocal at = 4 * ((number - tonumber(marked)) % 4096)\nlocal bytes = redis.call(\"GETRANGE\", marks, string.format(\"%.0f\", at), string.format(\"%.0f\", at + 3))\nreturn #bytes == 4 and string.format(\"%.0f\", struct.unpack(\">I4\", bytes)) or \"\"\nend\nlocal items = KEYS[1]\nlocal rows = KEYS[2]\nlocal due = KEYS[3]\nlocal changes = KEYS[4]\nlocal gone = KEYS[5]\nlocal meta = KEYS[6]\nlocal marks = KEYS[7]\nlocal agreed = ARGV[1]\nlocal born = ARGV[2]\nlocal since = ARGV[3]\nlocal base = ARGV[4]\nlocal head = ARGV[5]\nlocal mark = ARGV[6]\nlocal count = tonumber(ARGV[7])\nlocal room = tonumber(ARGV[8])\nlocal vectors = ARGV[9]\nlocal known = redis.call(\"HMGET\", meta, \"contract\", \"born\", \"last\", \"floor\", \"marked\")\nif known[1] and agreed ~= \"\" and known[1] ~= agreed then return known[1] end\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal news, last, more, live = {}, since, 0, 0\nif known[1] and count > 0 then\nlocal ended = redis.call(\"ZCOUNT\", due, \"-inf\", now)\nlive = redis.call(\"HLEN\", rows) - ended\nlocal same = known[2] == born and mark == mark_of(marks, known[5], known[3], tonumber(head))\nif not same or math.max(tonumber(since), tonumber(base)) < tonumber(known[4] or 0) then\nborn, since = \"\", \"0\"\nlocal rank = room + redis.call(\"ZCARD\", gone) + ended\nlocal outside = redis.call(\"ZREVRANGE\", changes, rank, rank, \"WITHSCORES\")\nif outside[2] then since = string.format(\"%.0f\", outside[2]) end\nlast = since\nend\nlocal page = redis.call(\"ZRANGEBYSCORE\", changes, \"(\" .. since, \"+inf\", \"WITHSCORES\", \"LIMIT\", 0, count)\nlocal at = 0\nfor i = 1, #page, 2 do\nlocal ends = redis.call(\"ZSCORE\", due, page[i])\nlocal is_over = ends and tonumber(ends) <= now\nnews[at + 1] = page[i]\nnews[at + 2] = not is_over and redis.call(\"HGET\", rows, page[i])\nnews[at + 3] = ends\nat = at + 3\nlast = string.format(\"%.0f\", page[i + 1])\nend\nif #page == 2 * count then more = 1 end\nend\nlocal read = {}\nfor i = 10, #ARGV do\nlocal record = redis.call(\"HGET\", items, ARGV[i])\nlocal ends = redis.call(\"ZSCORE\", due, ARGV[i])\nlocal left = ends and tonumber(ends) - now or 0\nif not record or (ends and left <= 0) then\nread[i - 9] = false\nelse\nread[i - 9] = { record, string.format(\"%.0f\", left) }\nif vectors == \"1\" then read[i - 9][3] = redis.call(\"HGET\", rows, ARGV[i]) end\nend\nend\nlocal newest = known[3] or \"0\"\nreturn { known[2] or \"\", born == \"\" and 1 or 0, last, newest, mark_of(marks, known[5], known[3], tonumber(newest)) or \"\", more, string.format(\"%.0f\", now), live, news, read }",
};

/** Puts another record and other attributes in place of an item's, if it is still what was read; vector and life stay. */
export const replaceDocument: Script<"document", "before" | "gone" | "fields"> = {
  name: "replace_document",
  keys: ["document"],
  values: ["before","gone","fields"],
  rest: true,
  idempotent: false,
  shape: "0 | 1",
  sha1: "0b5f1bfc256c561de3599ce031f167ad8ce64f20",
  lua: "local document = KEYS[1]\nlocal before = ARGV[1]\nlocal gone = tonumber(ARGV[2])\nif redis.call(\"HGET\", document, \"r\") ~= before then return 0 end\nif gone > 0 then redis.call(\"HDEL\", document, unpack(ARGV, 3, 2 + gone)) end\nredis.call(\"HSET\", document, unpack(ARGV, 3 + gone))\nreturn 1",
};

/** Puts another record and other attributes in place of an item's, if it is still what was read and has not ended. */
export const replaceItem: Script<"set" | "items" | "due", "id" | "before" | "attributes" | "record"> = {
  name: "replace_item",
  keys: ["set","items","due"],
  values: ["id","before","attributes","record"],
  rest: false,
  idempotent: false,
  shape: "0 | 1",
  sha1: "8cfdfa2c5a1e2e412eea105f605d26ce2a5b71d3",
  lua: "local set = KEYS[1]\nlocal items = KEYS[2]\nlocal due = KEYS[3]\nlocal id = ARGV[1]\nlocal before = ARGV[2]\nlocal attributes = ARGV[3]\nlocal record = ARGV[4]\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal ends = redis.call(\"ZSCORE\", due, id)\nif ends and tonumber(ends) <= now then return 0 end\nif redis.call(\"HGET\", items, id) ~= before then return 0 end\nredis.call(\"VSETATTR\", set, id, attributes)\nredis.call(\"HSET\", items, id, record)\nreturn 1",
};

/** Puts another record and other attributes in place of an item's of the local engine, if it is still what was read and has not ended. */
export const replaceRow: Script<"items" | "rows" | "due" | "changes" | "gone" | "meta" | "marks", "id" | "before" | "head" | "attributes" | "record"> = {
  name: "replace_row",
  keys: ["items","rows","due","changes","gone","meta","marks"],
  values: ["id","before","head","attributes","record"],
  rest: false,
  idempotent: false,
  shape: "0 | 1",
  sha1: "33987ac648bbacae02cf108079e0f3948ee8edb3",
  lua: "local function next_change(meta, marks)\nlocal time = redis.call(\"TIME\")\nlocal micros = time[1] * 1000000 + time[2]\nlocal known = redis.call(\"HMGET\", meta, \"last\", \"marked\")\nlocal number = known[1] and tonumber(known[1]) + 1 or micros\nif not known[2] then redis.call(\"HSET\", meta, \"marked\", string.format(\"%.0f\", number)) end\nlocal place = (number - tonumber(known[2] or number)) % 4096\nredis.call(\"SETRANGE\", marks, string.format(\"%.0f\", 4 * place), struct.pack(\">I4\", micros % 4294967296))\nnumber = string.format(\"%.0f\", number)\nredis.call(\"HSET\", meta, \"last\", number)\nreturn number\nend\nlocal function note_row(meta, marks, changes, gone, id)\nredis.call(\"ZADD\", changes, next_change(meta, marks), id)\nredis.call(\"ZREM\", gone, id)\nend\nlocal items = KEYS[1]\nlocal rows = KEYS[2]\nlocal due = KEYS[3]\nlocal changes = KEYS[4]\nlocal gone = KEYS[5]\nlocal meta = KEYS[6]\nlocal marks = KEYS[7]\nlocal id = ARGV[1]\nlocal before = ARGV[2]\nlocal head = tonumber(ARGV[3])\nlocal attributes = ARGV[4]\nlocal record = ARGV[5]\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal ends = redis.call(\"ZSCORE\", due, id)\nif ends and tonumber(ends) <= now then return 0 end\nif redis.call(\"HGET\", items, id) ~= before then return 0 end\nlocal row = redis.call(\"HGET\", rows, id)\nredis.call(\"HSET\", rows, id, string.sub(row, 1, head) .. attributes)\nredis.call(\"HSET\", items, id, record)\nnote_row(meta, marks, changes, gone, id)\nreturn 1",
};

/** Finds the items nearest to a vector. */
export const searchItems: Script<"set" | "items" | "due" | "contract", "agreed" | "vector" | "limit" | "spare" | "filter" | "exact" | "exact_below" | "effort" | "vectors"> = {
  name: "search_items",
  keys: ["set","items","due","contract"],
  values: ["agreed","vector","limit","spare","filter","exact","exact_below","effort","vectors"],
  rest: false,
  idempotent: true,
  shape: "[([text, text, text] | [text, text, text, any])...] | text",
  sha1: "32a5b1887700fb061ef13ef794406c80eee21c6e",
  lua: "local set = KEYS[1]\nlocal items = KEYS[2]\nlocal due = KEYS[3]\nlocal contract = KEYS[4]\nlocal agreed = ARGV[1]\nlocal vector = ARGV[2]\nlocal limit = tonumber(ARGV[3])\nlocal spare = tonumber(ARGV[4])\nlocal filter = ARGV[5]\nlocal exact = ARGV[6]\nlocal exact_below = tonumber(ARGV[7])\nlocal effort = tonumber(ARGV[8])\nlocal vectors = ARGV[9]\nlocal known = redis.call(\"GET\", contract)\nif not known then return {} end\nif known ~= agreed then return known end\nif filter ~= \"\" and exact ~= \"1\" and redis.call(\"VCARD\", set) <= exact_below then exact = \"1\" end\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal reply = {}\nfor _ = 1, 4 do\nlocal count = limit + spare\nlocal command = { \"VSIM\", set, \"FP32\", vector, \"WITHSCORES\", \"COUNT\", count, \"EF\", math.max(effort, count) }\nif filter ~= \"\" then\ncommand[#command + 1] = \"FILTER\"\ncommand[#command + 1] = filter\ncommand[#command + 1] = \"FILTER-EF\"\ncommand[#command + 1] = math.max(effort * 20, count * 100)\nend\nif exact == \"1\" then command[#command + 1] = \"TRUTH\" end\nlocal found = redis.call(unpack(command))\nreply = {}\nfor i = 1, #found, 2 do\nif #reply >= limit then break end\nlocal ends = redis.call(\"ZSCORE\", due, found[i])\nlocal record = redis.call(\"HGET\", items, found[i])\nif record and not (ends and tonumber(ends) <= now) then\nlocal item = { found[i], found[i + 1], record }\nif vectors == \"1\" then item[4] = redis.call(\"VEMB\", set, found[i], \"RAW\") end\nreply[#reply + 1] = item\nend\nend\nif #reply >= limit or #found < 2 * count then break end\nspare = spare * 8\nend\nreturn reply",
};

/** Stores items of one namespace as hashes that a search index follows, all in one step. */
export const upsertDocuments: Script<"contract" | "ids" | "due" | "documents", "agreed" | "sweep" | "rows"> = {
  name: "upsert_documents",
  keys: ["contract","ids","due","documents"],
  values: ["agreed","sweep","rows"],
  rest: true,
  idempotent: true,
  shape: "integer | text",
  sha1: "3c3892f34cf8825e71f6fd4a4c5ef1f90ead3aee",
  lua: "local contract = KEYS[1]\nlocal ids = KEYS[2]\nlocal due = KEYS[3]\nlocal agreed = ARGV[1]\nlocal sweep = tonumber(ARGV[2])\nlocal known = redis.call(\"GET\", contract)\nif known and known ~= agreed then return known end\nif not known then redis.call(\"SET\", contract, agreed) end\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nfor _, old in ipairs(redis.call(\"ZRANGEBYSCORE\", due, \"-inf\", now, \"LIMIT\", 0, sweep)) do\nredis.call(\"SREM\", ids, old)\nredis.call(\"ZREM\", due, old)\nend\nlocal new, at = 0, 3\nfor i = 4, #KEYS do\nlocal id, ttl_ms, words = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])\nnew = new + 1 - redis.call(\"UNLINK\", KEYS[i])\nredis.call(\"HSET\", KEYS[i], unpack(ARGV, at + 3, at + 2 + words))\nredis.call(\"SADD\", ids, id)\nif ttl_ms > 0 then\nredis.call(\"PEXPIRE\", KEYS[i], ttl_ms)\nredis.call(\"ZADD\", due, now + ttl_ms, id)\nelse\nredis.call(\"ZREM\", due, id)\nend\nat = at + 3 + words\nend\nreturn new",
};

/** Stores items of one namespace, all in one step. */
export const upsertItems: Script<"set" | "items" | "due" | "contract", "agreed" | "quantisation" | "sweep" | "rows"> = {
  name: "upsert_items",
  keys: ["set","items","due","contract"],
  values: ["agreed","quantisation","sweep","rows"],
  rest: true,
  idempotent: true,
  shape: "integer | text",
  sha1: "6f632843044ad65fd20c6cc3a382a034edfa8805",
  lua: "local set = KEYS[1]\nlocal items = KEYS[2]\nlocal due = KEYS[3]\nlocal contract = KEYS[4]\nlocal agreed = ARGV[1]\nlocal quantisation = ARGV[2]\nlocal sweep = tonumber(ARGV[3])\nlocal known = redis.call(\"GET\", contract)\nif known and known ~= agreed then return known end\nif not known then redis.call(\"SET\", contract, agreed) end\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nfor _, old in ipairs(redis.call(\"ZRANGEBYSCORE\", due, \"-inf\", now, \"LIMIT\", 0, sweep)) do\nredis.call(\"VREM\", set, old)\nredis.call(\"HDEL\", items, old)\nredis.call(\"ZREM\", due, old)\nend\nlocal new = 0\nfor i = 4, #ARGV, 5 do\nlocal id, ttl_ms = ARGV[i], tonumber(ARGV[i + 4])\nredis.call(\"VADD\", set, \"FP32\", ARGV[i + 1], id, quantisation, \"SETATTR\", ARGV[i + 2])\nnew = new + redis.call(\"HSET\", items, id, ARGV[i + 3])\nif ttl_ms > 0 then\nredis.call(\"ZADD\", due, now + ttl_ms, id)\nelse\nredis.call(\"ZREM\", due, id)\nend\nend\nreturn new",
};

/** Stores items of one partition of the local engine, all in one step. */
export const upsertRows: Script<"items" | "rows" | "due" | "changes" | "gone" | "meta" | "marks", "agreed" | "sweep" | "given"> = {
  name: "upsert_rows",
  keys: ["items","rows","due","changes","gone","meta","marks"],
  values: ["agreed","sweep","given"],
  rest: true,
  idempotent: true,
  shape: "[integer, integer, text, text, text, text, text] | text",
  sha1: "24f1b475c677068eafde152f31c8810f4101cc42",
  lua: "local function mark_of(marks, marked, last, number)\nif not last then return false end\nif not marked then return number == tonumber(last) and \"\" end\nif number < tonumber(marked) or number > tonumber(last) or tonumber(last) - number >= 4096 then return false end\nlocal at = 4 * ((number - tonumber(marked)) % 4096)\nlocal bytes = redis.call(\"GETRANGE\", marks, string.format(\"%.0f\", at), string.format(\"%.0f\", at + 3))\nreturn #bytes == 4 and string.format(\"%.0f\", struct.unpack(\">I4\", bytes)) or \"\"\nend\nlocal function next_change(meta, marks)\nlocal time = redis.call(\"TIME\")\nlocal micros = time[1] * 1000000 + time[2]\nlocal known = redis.call(\"HMGET\", meta, \"last\", \"marked\")\nlocal number = known[1] and tonumber(known[1]) + 1 or micros\nif not known[2] then redis.call(\"HSET\", meta, \"marked\", string.format(\"%.0f\", number)) end\nlocal place = (number - tonumber(known[2] or number)) % 4096\nredis.call(\"SETRANGE\", marks, string.format(\"%.0f\", 4 * place), struct.pack(\">I4\", micros % 4294967296))\nnumber = string.format(\"%.0f\", number)\nredis.call(\"HSET\", meta, \"last\", number)\nreturn number\nend\nlocal function note_row(meta, marks, changes, gone, id)\nredis.call(\"ZADD\", changes, next_change(meta, marks), id)\nredis.call(\"ZREM\", gone, id)\nend\nlocal function note_gone(meta, marks, changes, gone, id)\nlocal number = next_change(meta, marks)\nredis.call(\"ZADD\", changes, number, id)\nredis.call(\"ZADD\", gone, number, id)\nif redis.call(\"ZCARD\", gone) > 1000 then\nlocal oldest = redis.call(\"ZPOPMIN\", gone)\nredis.call(\"ZREM\", changes, oldest[1])\nredis.call(\"HSET\", meta, \"floor\", string.format(\"%.0f\", oldest[2]))\nend\nend\nlocal items = KEYS[1]\nlocal rows = KEYS[2]\nlocal due = KEYS[3]\nlocal changes = KEYS[4]\nlocal gone = KEYS[5]\nlocal meta = KEYS[6]\nlocal marks = KEYS[7]\nlocal agreed = ARGV[1]\nlocal sweep = tonumber(ARGV[2])\nlocal known = redis.call(\"HMGET\", meta, \"contract\", \"last\", \"marked\")\nif known[1] and known[1] ~= agreed then return known[1] end\nlocal before, mark_before = known[2] or \"0\", mark_of(marks, known[3], known[2], tonumber(known[2] or 0))\nif not known[1] then redis.call(\"HSET\", meta, \"contract\", agreed, \"born\", next_change(meta, marks)) end\nlocal time = redis.call(\"TIME\")\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\nlocal ended = redis.call(\"ZRANGEBYSCORE\", due, \"-inf\", now, \"LIMIT\", 0, sweep)\nfor _, old in ipairs(ended) do\nredis.call(\"HDEL\", rows, old)\nredis.call(\"HDEL\", items, old)\nredis.call(\"ZREM\", due, old)\nnote_gone(meta, marks, changes, gone, old)\nend\nlocal new = 0\nfor i = 3, #ARGV, 4 do\nlocal id, ttl_ms = ARGV[i], tonumber(ARGV[i + 3])\nredis.call(\"HSET\", rows, id, ARGV[i + 1])\nnew = new + redis.call(\"HSET\", items, id, ARGV[i + 2])\nif ttl_ms > 0 then\nredis.call(\"ZADD\", due, now + ttl_ms, id)\nelse\nredis.call(\"ZREM\", due, id)\nend\nnote_row(meta, marks, changes, gone, id)\nend\nknown = redis.call(\"HMGET\", meta, \"last\", \"marked\")\nlocal mark = mark_of(marks, known[2], known[1], tonumber(known[1] or 0))\nreturn { new, #ended, before, mark_before or \"\", known[1] or \"0\", mark or \"\", string.format(\"%.0f\", now) }",
};
