import { allOf, type Argument, type ScopedRedis } from "../redis/index.ts";
import { cacheKeys } from "./keys.ts";
import type { Cache } from "./lookup.ts";

/** An entry whose memory is measured: the fingerprint of its question, and its subject. */
export interface SampledEntry {
  readonly id: string;
  readonly partition: string;
  readonly subject: string;
}

/** Memory of entries, by MEMORY USAGE. */
export interface Measured {
  /** Sampled entries that exist. */
  readonly entries: number;
  /** Bytes of the record, the vector and the account of its subject. */
  readonly bytesEach: number;
  /** Whether vector sets store the vectors beside the entries; otherwise `bytesEach` excludes them. */
  readonly hasVectors: boolean;
}

interface Place {
  readonly name: string;
  /** Fingerprint of the embedder; absent: the cache has none. */
  readonly embedder: string | undefined;
}

/** Keys whose memory is asked for at once. */
const PAGE = 200;

/** Measures the memory of some entries of a cache. One round trip per 200 keys. */
export async function measureEntries(
  redis: ScopedRedis,
  { name, embedder }: Place,
  sample: readonly SampledEntry[],
): Promise<Measured> {
  const keys = cacheKeys(redis, name);
  const bodies = await ask(
    redis,
    sample.map(({ id }) => usage(keys.body(id))),
  );
  const there = sample.filter((_, at) => bodies[at] !== undefined);
  const vectorsOf = (partition: string) => keys.vectors({ partition }, embedder ?? "none");
  const partitions = await sharesOf(
    redis,
    there.map(({ partition }) => partition),
    vectorsOf,
    "VCARD",
  );
  const subjects = await sharesOf(
    redis,
    there.map(({ subject }) => subject),
    (subject) => keys.subject(subject),
    "SCARD",
  );
  const records = bodies.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
  const beside = there.reduce(
    (sum, { partition, subject }) => sum + (partitions.get(partition) ?? 0) + (subjects.get(subject) ?? 0),
    0,
  );
  return {
    entries: there.length,
    bytesEach: there.length === 0 ? 0 : (records + beside) / there.length,
    hasVectors: embedder === undefined || partitions.size > 0,
  };
}

/** Returns the memory of one member of each collection. */
async function sharesOf(
  redis: ScopedRedis,
  names: readonly string[],
  keyOf: (name: string) => string,
  count: "VCARD" | "SCARD",
): Promise<ReadonlyMap<string, number>> {
  const distinct = [...new Set(names)];
  const bytes = await ask(
    redis,
    distinct.map((name) => usage(keyOf(name))),
  );
  const known = distinct.flatMap((name, at) => {
    const used = bytes[at];
    return used === undefined ? [] : [{ name, used }];
  });
  const members = await ask(
    redis,
    known.map(({ name }) => [count, keyOf(name)]),
  );
  return new Map(known.map(({ name, used }, at) => [name, used / Math.max(1, members[at] ?? 1)]));
}

const usage = (key: string): readonly Argument[] => ["MEMORY", "USAGE", key, "SAMPLES", "0"];

async function ask(
  redis: ScopedRedis,
  commands: readonly (readonly Argument[])[],
): Promise<readonly (number | undefined)[]> {
  const answers: (number | undefined)[] = [];
  for (let at = 0; at < commands.length; at += PAGE) {
    const replies = allOf(await redis.pipeline(commands.slice(at, at + PAGE)));
    answers.push(...replies.map((reply) => (reply === null ? undefined : Number(reply))));
  }
  return answers;
}

/**
 * Removes a temporary cache from Redis, such as the cache of a replay: the entries that were stored with these subjects, and the keys that
 * forgetting a subject would otherwise leave (a mark for each subject, and the cache's epoch and tags).
 */
export async function wipeCache(
  redis: ScopedRedis,
  {
    name,
    cache,
    subjects,
  }: {
    readonly name: string;
    readonly cache: Pick<Cache<unknown>, "forgetSubject">;
    readonly subjects: readonly string[];
  },
): Promise<void> {
  const keys = cacheKeys(redis, name);
  for (const subject of subjects) await cache.forgetSubject(subject);
  const left = [...subjects.map((subject) => keys.forgotten(subject)), keys.epoch, keys.tags];
  for (let at = 0; at < left.length; at += PAGE) await redis.send(["UNLINK", ...left.slice(at, at + PAGE)]);
}
