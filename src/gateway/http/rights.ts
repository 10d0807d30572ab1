import { encodeKeyPart, outageOf, runScript, type Redis, type Reply } from "../../redis/index.ts";
import { installedKey } from "../tenancy/installation.ts";
import { findDenied } from "../scripts.gen.ts";

/** Placeholder for a key of the app. */
const OWN = "{own}";

/** Words after the key of each command that the gateway and its scripts send on any server; those of search engines are wanted where they are used. */
const KEYED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    BLPOP: "1",
    COPY: OWN,
    DEL: "",
    EXISTS: "",
    GET: "",
    GETDEL: "",
    GETRANGE: "0 1",
    HDEL: "f",
    HEXISTS: "f",
    HGET: "f",
    HGETALL: "",
    HINCRBY: "f 1",
    HKEYS: "",
    HLEN: "",
    HMGET: "f",
    HSCAN: "0",
    HSET: "f v",
    HSETNX: "f v",
    HVALS: "",
    INCR: "",
    LINDEX: "0",
    LLEN: "",
    LPOP: "",
    LPUSH: "v",
    LRANGE: "0 1",
    LSET: "0 v",
    LTRIM: "0 1",
    MGET: "",
    MSET: "v",
    MSETNX: "v",
    PERSIST: "",
    PEXPIRE: "1",
    PTTL: "",
    RPOP: "",
    RPUSH: "v",
    SADD: "v",
    SCARD: "",
    SET: "v",
    SETNX: "v",
    SETRANGE: "0 v",
    SISMEMBER: "v",
    SMEMBERS: "",
    SPOP: "",
    SRANDMEMBER: "",
    SREM: "v",
    SSCAN: "0",
    TYPE: "",
    UNLINK: "",
    XADD: "* f v",
    XDEL: "1-1",
    XLEN: "",
    XRANGE: "- +",
    XREVRANGE: "+ -",
    XTRIM: "MAXLEN 1",
    ZADD: "1 v",
    ZCARD: "",
    ZCOUNT: "0 1",
    ZINCRBY: "1 v",
    ZMSCORE: "v",
    ZPOPMIN: "",
    ZRANGE: "0 1",
    ZRANGEBYLEX: "- +",
    ZRANGEBYSCORE: "0 1",
    ZRANK: "v",
    ZREM: "v",
    ZREMRANGEBYRANK: "0 1",
    ZREMRANGEBYSCORE: "0 1",
    ZREVRANGE: "0 1",
    ZREVRANGEBYLEX: "+ -",
    ZREVRANGEBYSCORE: "1 0",
    ZREVRANK: "v",
    ZSCAN: "0",
    ZSCORE: "v",
  }),
);

/**
 * Finds rights that a gateway needs and the connection's user lacks: commands, and kinds of keys and channels. Empty if there are none, or
 * if Redis does not tell. One round trip.
 * @throws MarrowError errors of Redis other than missing rights
 */
export async function findMissingRights(redis: Redis, timeoutMs: number): Promise<readonly string[]> {
  const own = installedKey(redis);
  const needs = needsOf(redis);
  try {
    const commands = needs.flatMap(({ words }) => [String(words.length), ...words]);
    const isPlace = (one: Reply) => typeof one === "number" && needs[one - 1] !== undefined;
    const accepts = (reply: Reply) => Array.isArray(reply) && reply.every(isPlace);
    const denied = await runScript(redis, findDenied, { own }, { commands }, { timeoutMs, accepts });
    const missing = [...new Set((denied as readonly number[]).map((place) => needs[place - 1]?.right ?? ""))];
    // Keys are tested with SET; without that command their rights are unknown.
    return missing.includes("SET") ? missing.filter((right) => !right.startsWith("keys of")) : missing;
  } catch (error) {
    const right = rightOf(error);
    if (right === undefined) throw error;
    // Only the app's key was named beside the script.
    return [right === "keys" ? "keys of the app" : right];
  }
}

/** Returns the right that an error of Redis names, if it is about rights. */
export function rightOf(error: unknown): string | undefined {
  if (outageOf(error) !== "rights") return undefined;
  const { right } = (error as { details?: Readonly<Record<string, unknown>> }).details ?? {};
  return typeof right === "string" ? right : "commands";
}

/** A right, and a command that requires it. */
export interface Need {
  readonly right: string;
  readonly words: readonly string[];
}

/** Returns the rights that a gateway needs on an app's Redis, each with a command that tests it. */
export function needsOf(redis: Pick<Redis, "app">): readonly Need[] {
  const own = installedKey(redis);
  const encoded = encodeKeyPart("app", redis.app);
  const ofScope = `{${encoded}:any}:key`;
  const commands = [...KEYED].map(([verb, rest]) => ({
    right: verb,
    words: [verb, own, ...rest.split(" ").filter((word) => word !== "")].map((word) => (word === OWN ? own : word)),
  }));
  return [
    ...commands,
    { right: "EVAL", words: ["EVAL", "return 1", "1", own] },
    { right: "EVALSHA", words: ["EVALSHA", findDenied.sha1, "1", own] },
    { right: "TIME", words: ["TIME"] },
    { right: "XREAD", words: ["XREAD", "STREAMS", own, "0"] },
    { right: "PUBSUB", words: ["PUBSUB", "NUMSUB"] },
    { right: "XINFO", words: ["XINFO", "STREAM", own] },
    { right: "keys of the app", words: ["SET", own, "v"] },
    { right: "keys of scopes", words: ["SET", ofScope, "v"] },
    { right: "keys of vectors", words: ["SET", `${encoded}:vectors:any`, "v"] },
    { right: "PUBLISH", words: ["PUBLISH", ofScope, "v"] },
    { right: "SUBSCRIBE", words: ["SUBSCRIBE", ofScope] },
  ];
}
