import { randomBytes } from "node:crypto";
import type { ScopedRedis } from "../redis/index.ts";
import type { SearchInScript } from "./driver.ts";
import type { RedisEngine } from "./engine.ts";
import { createVectors, insidesOf, ITEM_TTL_MS_MAX } from "./vectors.ts";

/** A near vector: its id and cosine similarity. */
export interface Neighbour {
  readonly id: string;
  readonly similarity: number;
}

/** Vectors under ids in partitions, for roles that store the items elsewhere. */
export interface Neighbours {
  /** Puts a vector under an id, replacing an earlier one, for at most 366 days. One round trip. */
  add(partition: string, id: string, vector: Float32Array, ttlMs: number): Promise<void>;
  /** Deletes vectors. One round trip. */
  remove(partition: string, ids: readonly string[]): Promise<void>;
  /**
   * Deletes the vectors whose items `areGone` still misses, except those that were added since this call read them. So an item that is
   * stored anew meanwhile, before its vector, keeps its vector. Three round trips.
   */
  retire(
    partition: string,
    ids: readonly string[],
    areGone: (ids: readonly string[]) => Promise<readonly string[]>,
  ): Promise<void>;
  /**
   * Finds the nearest vectors and lets the role read its items.
   *
   * If a script can search, `searchAndRead` does both in one round trip; it returns `undefined` if the server refused. Otherwise `read` is
   * called together with the engine's own verification, so both share one round trip with an in-process engine. It may be called again if
   * the engine had to search again.
   */
  nearest<T>(partition: string, vector: Float32Array, limit: number, how: Reading<T>): Promise<T>;
}

/** Functions by which a role reads the items of its neighbours. */
export interface Reading<T> {
  readonly searchAndRead: (search: SearchInScript) => Promise<T | undefined>;
  readonly read: (near: readonly Neighbour[]) => Promise<T>;
}

/** Random bytes of an addition's mark. */
const MARK_BYTES = 9;

/** Opens neighbours of one scope. Makes no round trip. @throws MarrowError `invalid_option` */
export function createNeighbours(
  redis: ScopedRedis,
  options: {
    readonly name: string;
    readonly dimensions: number;
    readonly fingerprint: string;
    readonly engine: RedisEngine;
    readonly timeoutMs: number;
  },
): Neighbours {
  const inside = insidesOf(createVectors(redis, { ...options, metric: "cosine", index: "hnsw" }));
  const { driver } = inside;
  return {
    async add(partition, id, vector, ttlMs) {
      // Each addition has a mark of its own, by which `retire` knows it.
      const payload = randomBytes(MARK_BYTES).toString("base64url");
      const item = inside.toStoredItem({ id, vector, payload, ttlMs: Math.min(ttlMs, ITEM_TTL_MS_MAX) });
      await driver.upsert(partition, [item]);
    },
    async remove(partition, ids) {
      if (ids.length > 0) await driver.delete(partition, ids);
    },
    async retire(partition, ids, areGone) {
      const read = await driver.read(partition, ids, true);
      const gone = new Set(await areGone(ids));
      const ending = ids.map(async (id, at) => {
        const { record, vector } = read[at] ?? {};
        if (record === undefined || vector === undefined || !gone.has(id)) return;
        // Engines store on a condition and delete without one: what is stored ends at once.
        await driver.put(partition, { id, vector, attributes: {}, record, ttlMs: 1 }, record);
      });
      await Promise.all(ending);
    },
    async nearest<T>(partition: string, vector: Float32Array, limit: number, how: Reading<T>): Promise<T> {
      const { searchAndRead, read } = how;
      const inScript = await driver.inScript?.(partition, { vector, limit });
      if (inScript !== undefined) {
        const found = await searchAndRead(inScript);
        if (found !== undefined) return found;
        driver.refusedInScript?.();
      }
      let reading: Promise<T> | undefined;
      const whileChecking = (near: readonly Neighbour[]) => {
        reading = read(near);
        // Another reading may take its place; the last one is waited for below.
        reading.catch(() => {});
      };
      const usual = { filter: undefined, exact: false, effort: 100, withVectors: false };
      const found = await driver.search(partition, { ...usual, vector, limit, whileChecking });
      return reading ?? read(found);
    },
  };
}
