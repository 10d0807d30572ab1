import type { Command, Reply } from "./connection.ts";
import { shapeOf, type Fits } from "./shape.ts";

/** Commands by the shape of what they answer, whatever is stored and whichever options they have. */
const VERBS: readonly (readonly [shape: string, verbs: string])[] = [
  [
    "integer",
    "APPEND DBSIZE DECR DECRBY DEL EXISTS EXPIRE EXPIREAT HDEL HEXISTS HINCRBY HLEN HSET HSETNX HSTRLEN INCR INCRBY LLEN LPUSH LPUSHX LREM " +
      "MSETNX PERSIST PEXPIRE PEXPIREAT PTTL PUBLISH RPUSH RPUSHX SADD SCARD SETNX SETRANGE SISMEMBER SPUBLISH SREM STRLEN TOUCH TTL UNLINK " +
      "VADD VCARD VDIM VISMEMBER VREM VSETATTR WAIT XACK XDEL XLEN XTRIM ZCARD ZCOUNT ZLEXCOUNT ZREM ZREMRANGEBYLEX ZREMRANGEBYRANK " +
      "ZREMRANGEBYSCORE",
  ],
  ["text", "ECHO GETRANGE INFO PING TYPE"],
  ["text | nil", "GET GETDEL GETEX GETSET HGET LINDEX LMOVE RANDOMKEY SET VGETATTR XADD"],
  ['"OK"', "FLUSHALL FLUSHDB FT.CREATE LTRIM MSET PSETEX RENAME SETEX"],
  ["text | nil | [(text)...]", "LPOP RPOP SPOP SRANDMEMBER VRANDMEMBER"],
  // Scores are texts, or numbers of RESP3.
  ["text | integer | nil", "ZINCRBY ZRANK ZREVRANK ZSCORE"],
  ["text | integer | nil | [(any)...]", "ZADD"],
  ["[(text)...]", "HKEYS HVALS LRANGE SDIFF SINTER SMEMBERS SUNION FT._LIST"],
  ["[(text, text)...]", "HGETALL"],
  [
    "[(any)...]",
    "ZPOPMAX ZPOPMIN ZRANGE ZRANGEBYLEX ZRANGEBYSCORE ZREVRANGE ZREVRANGEBYLEX ZREVRANGEBYSCORE FT.INFO FT.SEARCH VSIM",
  ],
  ["nil | [(any)...]", "VEMB VINFO XREAD XREADGROUP"],
  ["[([text, any])...]", "XRANGE XREVRANGE"],
  ["[text, [(any)...]]", "HSCAN SCAN SSCAN ZSCAN"],
  ["[text, text]", "TIME"],
];

/** Commands that answer something for each of their words behind the first few, by how many these are. */
const FOR_EACH = [
  ["MGET", 1],
  ["HMGET", 2],
  ["ZMSCORE", 2],
  ["SMISMEMBER", 2],
] as const;

interface Shape {
  readonly fits: Fits;
  /** How many words stand before those that have one answer each. */
  readonly before?: number | undefined;
}

const SHAPES: ReadonlyMap<unknown, Shape> = new Map([
  ...VERBS.flatMap(([shape, verbs]) =>
    verbs.split(" ").map((verb): [string, Shape] => [verb, { fits: shapeOf(shape) }]),
  ),
  ...FOR_EACH.map(([verb, before]): [string, Shape] => [
    verb,
    { fits: shapeOf("[(text | integer | nil)...]"), before },
  ]),
]);

/** Whether a reply can be that of a command. All are, of a command whose answers have no one shape, and of a verb in lower case. */
export function fitsCommand(command: Command, reply: Reply): boolean {
  const shape = SHAPES.get(command[0]);
  if (shape === undefined) return true;
  const { fits, before } = shape;
  const isRight =
    fits(reply) && (before === undefined || (reply as readonly Reply[]).length === command.length - before);
  // A command within a transaction is answered once that is run.
  return isRight || String(reply) === "QUEUED";
}

/** Whether what a command answers is known here. */
export function hasShape(verb: string): boolean {
  return SHAPES.has(verb);
}

/** Whether a command may answer one text, as far as it is known here. */
export function mayAnswerText(verb: string): boolean {
  return SHAPES.get(verb)?.fits("text") ?? true;
}
