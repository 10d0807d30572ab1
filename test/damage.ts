import { allOf, type Redis } from "../src/redis/index.ts";

/** All keys of an installation as they were at a time. */
export interface Snapshot {
  readonly keys: readonly string[];
  /** Puts all keys back, and deletes those that were added. */
  restore(): Promise<void>;
}

/** Lists the keys of an installation, by SCAN. */
export async function keysOf({ app, send }: Pick<Redis, "app" | "send">): Promise<string[]> {
  const found = new Set<string>();
  let cursor = "0";
  do {
    const [next, page] = (await send(["SCAN", cursor, "MATCH", `*${app}*`, "COUNT", "1000"])) as [string, string[]];
    for (const key of page) found.add(key);
    cursor = next;
  } while (cursor !== "0");
  return [...found].toSorted();
}

/** Remembers all keys of an installation. */
export async function takeSnapshot(redis: Redis): Promise<Snapshot> {
  const keys = await keysOf(redis);
  const dumps = new Map<string, Buffer>();
  for (const key of keys) {
    const dump = await redis.send(["DUMP", key], { reply: "bytes" });
    if (Buffer.isBuffer(dump)) dumps.set(key, dump);
  }
  return {
    keys: [...dumps.keys()],
    async restore() {
      const added = (await keysOf(redis)).filter((key) => !dumps.has(key));
      await Promise.all([
        ...added.map((key) => redis.send(["DEL", key])),
        ...[...dumps].map(([key, dump]) => redis.send(["RESTORE", key, "600000", dump, "REPLACE"])),
      ]);
    },
  };
}

/** Groups keys that differ only in ids: long words, and words behind the last name of a family. */
export function familiesOf(keys: readonly string[]): Map<string, readonly string[]> {
  const families = new Map<string, string[]>();
  for (const key of keys) {
    const family = key.replaceAll(
      /[\w-]*\d[\w-]{7,}|[\w-]{16,}|(?<=:(?:session|entry|user|subject|group):)[\w-]+/g,
      "*",
    );
    families.set(family, [...(families.get(family) ?? []), key]);
  }
  return families;
}

/** Commands that make a key of each type. */
const TYPES: Readonly<Record<string, (key: string) => readonly string[]>> = {
  string: (key) => ["SET", key, "x"],
  list: (key) => ["RPUSH", key, "x"],
  hash: (key) => ["HSET", key, "x", "x"],
  set: (key) => ["SADD", key, "x"],
  zset: (key) => ["ZADD", key, "1", "x"],
  stream: (key) => ["XADD", key, "*", "x", "x"],
};

/** Values that stand where another was expected. */
const RUBBISH: Readonly<Record<string, (value: Buffer) => Buffer>> = {
  empty: () => Buffer.alloc(0),
  garbage: () => Buffer.from([9, 200, 3, 58, 255, 0, 124, 17, 58, 99]),
  cut: (value) => value.subarray(0, value.length >> 1),
  longer: (value) => Buffer.concat([value, Buffer.from("\u0000more")]),
  "another version": (value) => Buffer.concat([Buffer.from([value[0] === 1 ? 200 : 9]), value.subarray(1)]),
  "a huge number": () => Buffer.from("99999999999999999999999999"),
  "a negative number": () => Buffer.from("-1"),
  "a word": () => Buffer.from("nan"),
};

/** Names of the ways to damage a key of any type. */
export const DAMAGES: readonly string[] = [
  ...Object.keys(TYPES).map((type) => `a ${type} in its place`),
  ...Object.keys(RUBBISH),
];

/** Sends commands between which the gateway under test sends none. */
async function together(redis: Redis, commands: readonly (readonly (string | Buffer)[])[]): Promise<void> {
  allOf(await redis.pipeline(commands));
}

/** Damages a key in one of the ways of {@link DAMAGES}. Returns false if the key cannot be damaged so. */
export async function damage(redis: Redis, key: string, how: string): Promise<boolean> {
  const type = String(await redis.send(["TYPE", key]));
  const other = Object.keys(TYPES).find((name) => how === `a ${name} in its place`);
  if (other !== undefined) {
    if (other === type) return false;
    await together(redis, [["DEL", key], TYPES[other]?.(key) ?? []]);
    return true;
  }
  const spoil = RUBBISH[how];
  if (spoil === undefined) throw new Error(`"${how}" is no damage`);
  const bytes = { reply: "bytes" } as const;
  switch (type) {
    case "string":
      await redis.send(["SET", key, spoil((await redis.send(["GET", key], bytes)) as Buffer), "KEEPTTL"]);
      return true;
    case "hash": {
      const fields = (await redis.send(["HGETALL", key], bytes)) as Buffer[];
      const spoiled = fields.map((word, at) => (at % 2 === 0 ? word : spoil(word)));
      await redis.send(["HSET", key, ...spoiled]);
      return true;
    }
    case "list": {
      const items = (await redis.send(["LRANGE", key, "0", "-1"], bytes)) as Buffer[];
      await Promise.all(items.map((item, at) => redis.send(["LSET", key, String(at), spoil(item)])));
      return true;
    }
    case "set": {
      const members = (await redis.send(["SMEMBERS", key], bytes)) as Buffer[];
      await together(redis, [
        ["DEL", key],
        ["SADD", key, ...members.map(spoil)],
      ]);
      return true;
    }
    case "zset": {
      const members = (await redis.send(["ZRANGE", key, "0", "-1"], bytes)) as Buffer[];
      const score = how === "a huge number" ? "inf" : how === "a negative number" ? "-inf" : "0";
      const spoiled = how.endsWith("number") ? members : members.map(spoil);
      await together(redis, [
        ["DEL", key],
        ["ZADD", key, ...spoiled.flatMap((member) => [score, member])],
      ]);
      return true;
    }
    case "stream": {
      const lines = (await redis.send(["XRANGE", key, "-", "+"], bytes)) as [Buffer, Buffer[]][];
      for (const [id, fields] of lines) {
        await redis.send(["XDEL", key, String(id)]);
        await redis.send(["XADD", key, "*", ...fields.map((word, at) => (at % 2 === 0 ? word : spoil(word)))]);
      }
      return true;
    }
    default:
      return false;
  }
}
