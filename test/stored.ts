import type { Redis as Client } from "ioredis";

/** Everything that Redis keeps under one app's keys, as text that a fixture may hold: bytes in base64. */
export interface Stored {
  readonly key: string;
  readonly type: string;
  /** Whether the key has an end. How much of it was left does not matter. */
  readonly ends: boolean;
  /** As `RESTORE`-free commands take it: a string; fields and values; items; members and scores; entries of a stream with their ids. */
  readonly values: readonly string[];
}

/** How long restored keys live that had an end, in milliseconds. */
const LIFE_MS = 600_000;
const READ: Readonly<Record<string, readonly [command: string, ...rest: string[]]>> = {
  string: ["GET"],
  hash: ["HGETALL"],
  list: ["LRANGE", "0", "-1"],
  set: ["SMEMBERS"],
  zset: ["ZRANGE", "0", "-1", "WITHSCORES"],
  stream: ["XRANGE", "-", "+"],
};

/** Reads all keys of an app by commands that every version of every server has. @throws Error for a type that these do not cover */
export async function readStored(client: Client, app: string): Promise<Stored[]> {
  const all: Stored[] = [];
  for (const key of await keysOf(client, app)) {
    const type = await client.type(key);
    const [command, ...rest] = READ[type] ?? [];
    if (command === undefined) throw new Error(`${key} is a ${type}, which a fixture cannot hold`);
    const values = flatten(await client.callBuffer(command, key, ...rest)).map((value) => value.toString("base64"));
    all.push({ key, type, ends: (await client.pttl(key)) > 0, values });
  }
  return all;
}

/** The keys of an app, in their order. */
export async function keysOf(client: Client, app: string): Promise<string[]> {
  const keys = new Set<string>();
  let cursor = "0";
  do {
    const [next, found] = await client.scan(cursor, "MATCH", `*${app}*`, "COUNT", 1_000);
    cursor = next;
    for (const key of found) keys.add(key);
  } while (cursor !== "0");
  return [...keys].toSorted();
}

/** Puts them back. */
export async function restoreStored(client: Client, stored: readonly Stored[]): Promise<void> {
  for (const { key, type, ends, values } of stored) {
    const bytes = values.map((value) => Buffer.from(value, "base64"));
    await client.del(key);
    if (type === "string") await client.set(key, bytes[0] ?? "");
    else if (type === "hash") await client.call("HSET", key, ...bytes);
    else if (type === "list") await client.call("RPUSH", key, ...bytes);
    else if (type === "set") await client.call("SADD", key, ...bytes);
    else if (type === "zset") for (const [member, score] of pairs(bytes)) await client.call("ZADD", key, score, member);
    else for (const [id, ...fields] of entries(bytes)) await client.call("XADD", key, id as Buffer, ...fields);
    if (ends) await client.pexpire(key, LIFE_MS);
  }
}

/** Nested replies as a list; the entries of a stream each begin with their id and the number of what follows. */
function flatten(reply: unknown): Buffer[] {
  if (Buffer.isBuffer(reply)) return [reply];
  if (!Array.isArray(reply)) return [Buffer.from(String(reply))];
  const isStream = reply.every((one) => Array.isArray(one) && one.length === 2 && Array.isArray(one[1]));
  if (!isStream || reply.length === 0) return reply.flatMap(flatten);
  return (reply as [Buffer, Buffer[]][]).flatMap(([id, fields]) => [id, Buffer.from(String(fields.length)), ...fields]);
}

function* entries(bytes: readonly Buffer[]): Generator<Buffer[]> {
  for (let at = 0; at < bytes.length;) {
    const count = Number(String(bytes[at + 1]));
    yield [bytes[at] as Buffer, ...bytes.slice(at + 2, at + 2 + count)];
    at += 2 + count;
  }
}

function* pairs(bytes: readonly Buffer[]): Generator<[Buffer, Buffer]> {
  for (let at = 0; at < bytes.length; at += 2) yield [bytes[at] as Buffer, bytes[at + 1] as Buffer];
}
