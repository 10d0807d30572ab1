import { runScript, type ScopedRedis } from "../redis/index.ts";
import type { StoredEntry } from "./entry.ts";
import type { CacheKeys } from "./keys.ts";
import type { Bounds } from "./options.ts";
import type { Fingerprint } from "./question.ts";
import type { Questions } from "./questions.ts";
import { makeRoom, touchEntries } from "./scripts.gen.ts";

/** Most expired entries that one store deletes, and most entries that it evicts. */
const SWEEP = 64;
/** Most hits, and the longest time, until they are written to Redis together. */
const GATHER_MS = 50;
const GATHERED_MAX = 256;
/** Bytes of an entry beside its record and its vector: keys, index, accounts. */
const BESIDE_BYTES = 600;

/** Upkeep of entries beside storing and serving: evicts beyond the bounds, and extends TTLs on hits. */
export interface Upkeep {
  /** Returns true if an entry of this many bytes fits within the bounds. */
  fits(bytes: number): boolean;
  /** Reserves space for such an entry; `undefined` without bounds. */
  admit(question: Fingerprint, entry: { bytes: number; saves: number; ttlMs: number }): Promise<void> | undefined;
  /** Records a hit in the background, a moment later. `renews`: whether it extends the entry's TTL. */
  served(question: Fingerprint, id: string, entry: StoredEntry, renews: boolean): void;
}

interface Parts {
  readonly redis: ScopedRedis;
  readonly keys: CacheKeys;
  readonly index: string;
  readonly questions: Pick<Questions, "remove">;
  readonly bounds: Bounds | undefined;
  /** Longest life of an entry that is renewed when it is served; absent: none is. */
  readonly slidingMsMax: number | undefined;
  readonly timeoutMs: number;
}

/** Makes the upkeep of one cache. Without bounds and sliding TTLs it does nothing. */
export function createUpkeep({ redis, keys, index, questions, bounds, slidingMsMax, timeoutMs }: Parts): Upkeep {
  /** Hits since the last write, by partition. */
  const gathered = new Map<string, Map<string, { served: number; ttlMs: number }>>();
  let count = 0;
  let timer: NodeJS.Timeout | undefined;

  function tell(): void {
    clearTimeout(timer);
    timer = undefined;
    count = 0;
    for (const [partition, entries] of gathered) {
      const vectors = keys.vectors({ partition }, index);
      const served = [...entries].flatMap(([id, { served: times, ttlMs }]) => [id, times, ttlMs]);
      const at = { bodies: keys.bodies, vectors, aliases: keys.aliases, ...keys.stock };
      runScript(redis, touchEntries, at, { served }, { timeoutMs }).catch(() => {});
    }
    gathered.clear();
  }

  async function reserve(
    { entriesMax, bytesMax }: Bounds,
    { id, partition }: Fingerprint,
    { bytes, saves, ttlMs }: Parameters<Upkeep["admit"]>[1],
  ): Promise<void> {
    const evicted = await runScript(
      redis,
      makeRoom,
      {
        ...keys.stock,
        bodies: keys.bodies,
        aliases: keys.aliases,
        vectors: keys.vectors({ partition: "" }, index),
      },
      {
        id,
        partition,
        bytes: bytes + BESIDE_BYTES,
        saves,
        ttl_ms: ttlMs,
        entries_max: entriesMax,
        bytes_max: bytesMax,
        sweep: SWEEP,
      },
      { timeoutMs },
    );
    // Their questions take space too. Any that remain are removed by a lookup or expire.
    questions.remove(evicted as readonly string[]).catch(() => {});
  }

  return {
    fits: (bytes) => bounds === undefined || bytes + BESIDE_BYTES <= bounds.bytesMax,

    admit(question, entry) {
      return bounds && reserve(bounds, question, entry);
    },

    served({ partition }, id, { storedAtMs, endsAtMs }, renews) {
      if (bounds === undefined && !renews) return;
      const left = slidingMsMax === undefined || !renews ? 0 : storedAtMs + slidingMsMax - Date.now();
      const ttlMs = Math.max(0, Math.min(endsAtMs - storedAtMs, left));
      const entries = gathered.get(partition) ?? new Map<string, { served: number; ttlMs: number }>();
      gathered.set(partition, entries);
      const known = entries.get(id);
      entries.set(id, { served: (known?.served ?? 0) + 1, ttlMs });
      if (known === undefined) count += 1;
      if (count >= GATHERED_MAX) tell();
      else timer ??= setTimeout(tell, GATHER_MS).unref();
    },
  };
}
