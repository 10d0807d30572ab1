import type { Argument, Command } from "./connection.ts";

/** Commands that change nothing, so a lost answer may be asked for again. */
const READ_ONLY = new Set(
  (
    "GET GETRANGE MGET STRLEN EXISTS TTL PTTL TYPE HGET HMGET HGETALL HLEN HEXISTS HKEYS LRANGE LLEN LINDEX ZRANGE ZSCORE ZCARD " +
    "ZCOUNT ZRANGEBYSCORE ZREVRANGE SMEMBERS SISMEMBER SCARD XRANGE XREVRANGE XREAD XLEN VSIM VCARD VDIM VEMB VGETATTR VINFO " +
    "VISMEMBER FT.SEARCH FT.INFO PING ECHO TIME INFO DBSIZE SCAN HSCAN SSCAN ZSCAN MEMORY COMMAND EVAL_RO EVALSHA_RO"
  ).split(" "),
);

/** Commands whose second word is no key. */
const KEYLESS = new Set(
  (
    "PING ECHO TIME INFO DBSIZE SCAN COMMAND CONFIG SCRIPT CLIENT CLUSTER ACL MODULE FLUSHALL FLUSHDB PUBLISH WAIT HELLO " +
    "FT._LIST LATENCY SLOWLOG"
  ).split(" "),
);

/** Returns true for a command that only reads. Unknown commands count as writes. */
export function isReadOnly(command: Command): boolean {
  return READ_ONLY.has(verbOf(command));
}

const routes = new WeakMap<Command, string>();

/** Routes a command without keys to the cluster node of `key`. */
export function routed(command: Command, key: string): Command {
  routes.set(command, key);
  return command;
}

/** Returns the key that decides which node of a cluster gets a command, or `undefined` if any node will do. */
export function routingKey(command: Command): Argument | undefined {
  const route = routes.get(command);
  if (route !== undefined) return route;
  const verb = verbOf(command);
  if (KEYLESS.has(verb)) return undefined;
  if (verb.startsWith("EVAL") || verb.startsWith("FCALL")) return command[2] === "0" ? undefined : command[3];
  if (verb === "MEMORY" || verb === "OBJECT") return command[2];
  if (verb === "XREAD" || verb === "XREADGROUP") return command[command.findIndex((word) => word === "STREAMS") + 1];
  return command[1];
}

function verbOf(command: Command): string {
  const verb = command[0];
  return typeof verb === "string" ? verb.toUpperCase() : "";
}
