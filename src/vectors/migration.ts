import { setTimeout as sleep } from "node:timers/promises";
import { MarrowError } from "../errors.ts";
import { checkInteger, checkNumber, checkText } from "../internal/check.ts";
import { checkScope, runScript, type ScopedRedis } from "../redis/index.ts";
import { migrationKey, note } from "./listing.ts";
import type { ItemResult, Match, Search, StoredEntry, Vectors } from "./item.ts";
import {
  copyMissing,
  idsOf,
  recallOf,
  removeStrays,
  type Copied,
  type MigrationSide,
  type Source,
} from "./migration-copy.ts";
import type { AttributeSchema } from "./options.ts";
import { advanceMigration } from "./scripts.gen.ts";
import type { Vector } from "./vector.ts";

/** Options of `createMigration`. */
export interface MigrationOptions<S extends AttributeSchema, Q> {
  /** Name of this migration within its scope; one for each namespace that is moved. */
  readonly name: string;
  readonly from: MigrationSide<S, Q>;
  readonly to: MigrationSide<S, Q>;
  /** Time that a handle may use a cached phase, in milliseconds, 1 to 60,000. @default 1_000 */
  readonly stateMs?: number | undefined;
}

/** Phase of a migration: readers use `from` while `copying`, `to` from `switched` on; `from` is deleted when `finished`. */
export type MigrationPhase = "copying" | "switched" | "finished";

/** Result of the last check. */
export interface MigrationReport {
  /** Items on the old side. */
  readonly items: number;
  /** Items that were missing or different on the new side, and were corrected. */
  readonly mended: number;
  /** Items that only the new side had, and that were deleted. */
  readonly removed: number;
  /** Fraction of the true neighbours that searches on the new side find. */
  readonly recall: number;
  /** Whether `switch` is allowed now. */
  readonly verified: boolean;
}

/**
 * Moves a namespace to another embedder, dimension, metric or engine while it is in use.
 *
 * All writers use `upsert`, `update` and `delete` of this handle, which write to both sides. All readers use `search` and `get`, which read
 * the current side. Then run once: `backfill`, `verify`, `switch`; `rollback` if in doubt; `finish`. Each step may be repeated after a
 * crash, in any process.
 */
export interface Migration<S extends AttributeSchema, Q> {
  /** Returns the phase. One round trip. */
  phase(): Promise<MigrationPhase>;
  /** Stores items like `Vectors.upsert`, on both sides, the readers' side first. After an error one side may have the item: try again. */
  upsert(items: readonly Source<S>[]): Promise<ItemResult[]>;
  update: Vectors<S>["update"];
  delete(ids: readonly string[]): Promise<number>;
  get(ids: readonly string[]): Promise<(StoredEntry<S> | undefined)[]>;
  search(query: Q, search?: Omit<Search<S>, "vector">): Promise<Match<S>[]>;
  /**
   * Copies items that the new side lacks, from where the last run stopped. Concurrent writes are kept.
   * @param options `itemsPerSecond`: rate limit, 1 to 1,000,000 (default no bound); `pageSize`: 1 to 1,000 (default 64)
   */
  backfill(options?: {
    readonly itemsPerSecond?: number | undefined;
    readonly pageSize?: number | undefined;
    readonly signal?: AbortSignal | undefined;
  }): Promise<Copied>;
  /**
   * Compares both sides item by item, corrects differences, and measures the recall of the new side. Repeat it until nothing is corrected.
   * @param options `recallMin`: 0 to 1 (default 0.9); `samples`: searches, 1 to 1,000 (default 50)
   */
  verify(options?: {
    readonly recallMin?: number | undefined;
    readonly samples?: number | undefined;
  }): Promise<MigrationReport>;
  /** Switches readers to the new side; all have switched after `stateMs`. @throws MarrowError `conflict` unless verified since */
  switch(): Promise<void>;
  /** Switches readers back. @throws MarrowError `conflict` unless switched */
  rollback(): Promise<void>;
  /** Deletes the old side, once no handle can still use it. @throws MarrowError `conflict` unless switched for two `stateMs` */
  finish(): Promise<void>;
}

/**
 * Makes a handle on a migration. Its state is in Redis, even if both sides are elsewhere. Makes no round trip.
 * @throws MarrowError `invalid_option`
 */
export function createMigration<S extends AttributeSchema, Q = string>(
  redis: ScopedRedis,
  options: MigrationOptions<S, Q>,
): Migration<S, Q> {
  const { from, to } = options;
  const stateMs = checkInteger("stateMs", options.stateMs ?? 1_000, { min: 1, max: 60_000 });
  const name = checkText("name", options.name, 128);
  const state = migrationKey(checkScope(redis), name);
  /** A step was begun: from now on the scope's list has the migration. */
  const noteStep = () => note(redis, "migrations", name, () => ({ seenAtMs: Date.now() }));
  let known: { readonly phase: MigrationPhase; readonly atMs: number } | undefined;

  async function readPhase(): Promise<MigrationPhase> {
    const sentMs = performance.now();
    const phase = ((await redis.send(["HGET", state, "phase"])) ?? "copying") as MigrationPhase;
    known = { phase, atMs: sentMs };
    return phase;
  }

  async function currentPhase(): Promise<MigrationPhase> {
    return known !== undefined && performance.now() - known.atMs < stateMs ? known.phase : readPhase();
  }

  /** The side that readers see. Until the old side is dropped both have everything, so an older phase is better than no answer. */
  async function readSide(): Promise<MigrationSide<S, Q>> {
    const phase = await currentPhase().catch((error: unknown) => {
      if (known === undefined) throw error;
      return known.phase;
    });
    return phase === "copying" ? from : to;
  }

  /** Returns the sides to write, the readers' side first, so that a reader never sees an item that is not stored there. */
  async function writeSides(): Promise<readonly MigrationSide<S, Q>[]> {
    const phase = await currentPhase();
    return phase === "copying" ? [from, to] : phase === "switched" ? [to, from] : [to];
  }

  async function advance(
    move: {
      readonly from: MigrationPhase;
      readonly to: MigrationPhase;
      readonly verified?: boolean;
      readonly restMs?: number;
    },
    otherwise: string,
  ): Promise<void> {
    const values = {
      from: move.from,
      to: move.to,
      verified: move.verified === true ? 1 : 0,
      rest_ms: move.restMs ?? 0,
    };
    noteStep();
    if ((await runScript(redis, advanceMigration, { state }, values)) !== 1)
      throw new MarrowError("conflict", otherwise, { details: { phase: await readPhase() } });
    known = undefined;
  }

  return {
    phase: readPhase,

    async upsert(items) {
      const [first, ...others] = await writeSides();
      const write = async ({ vectors, embed }: MigrationSide<S, Q>, sources: readonly Source<S>[]) => {
        const made = sources.length === 0 ? [] : await embed(sources);
        return vectors.upsert(sources.map((source, at) => ({ ...source, vector: made[at] as Vector })));
      };
      const results = await write(first as MigrationSide<S, Q>, items);
      const good = items.filter((_, at) => results[at]?.stored === true);
      for (const side of others) {
        const wrong = (await write(side, good)).find((result) => !result.stored);
        if (wrong?.stored === false) throw wrong.error;
      }
      return results;
    },

    async update(id, change) {
      const [first, ...others] = await writeSides();
      const changed = await (first as MigrationSide<S, Q>).vectors.update(id, change);
      // Where the copy has not come yet, it will bring the change with it.
      for (const { vectors } of others) await vectors.update(id, change);
      return changed;
    },

    async delete(ids) {
      const [first, ...others] = await writeSides();
      const deleted = await (first as MigrationSide<S, Q>).vectors.delete(ids);
      for (const { vectors } of others) await vectors.delete(ids);
      return deleted;
    },

    get: async (ids) => (await readSide()).vectors.get(ids),

    async search(query, search = {}) {
      const { vectors, embedQuery } = await readSide();
      return vectors.search({ ...search, vector: await embedQuery(query) });
    },

    async backfill({ itemsPerSecond, pageSize = 64, signal } = {}) {
      checkInteger("pageSize", pageSize, { min: 1, max: 1_000 }, "invalid_input");
      const rate =
        itemsPerSecond === undefined
          ? Infinity
          : checkInteger("itemsPerSecond", itemsPerSecond, { min: 1, max: 1_000_000 }, "invalid_input");
      if ((await readPhase()) !== "copying") return { scanned: 0, copied: 0 };
      noteStep();
      const total = { scanned: 0, copied: 0 };
      const start = String((await redis.send(["HGET", state, "cursor"])) ?? "0");
      if (start === "done") return total;
      for await (const { ids, next } of idsOf(from.vectors, start, pageSize)) {
        signal?.throwIfAborted();
        const beganMs = performance.now();
        const { scanned, copied } = await copyMissing(from, to, ids);
        total.scanned += scanned;
        total.copied += copied;
        if (next !== "0") await redis.send(["HSET", state, "cursor", next], { retry: "safe" });
        const restMs = (scanned / rate) * 1_000 - (performance.now() - beganMs);
        if (restMs > 0) await sleep(restMs, undefined, { signal });
      }
      await redis.send(["HSET", state, "cursor", "done"], { retry: "safe" });
      return total;
    },

    async verify({ recallMin = 0.9, samples = 50 } = {}) {
      checkNumber("recallMin", recallMin, { min: 0, max: 1 }, "invalid_input");
      checkInteger("samples", samples, { min: 1, max: 1_000 }, "invalid_input");
      if ((await readPhase()) !== "copying")
        throw new MarrowError("conflict", "only a migration that is copying can be verified", {
          details: { phase: known?.phase },
        });
      noteStep();
      const done = (await redis.send(["HGET", state, "cursor"])) === "done";
      let [items, mended] = [0, 0];
      for await (const { ids } of idsOf(from.vectors, "0", 256)) {
        const { scanned, copied } = await copyMissing(from, to, ids);
        items += scanned;
        mended += copied;
      }
      const removed = await removeStrays(from.vectors, to.vectors);
      const recall = await recallOf(to.vectors, samples);
      const verified = done && recall >= recallMin;
      await redis.send(
        ["HSET", state, "verified", verified ? "1" : "0", "recall", String(recall), "items", String(items)],
        { retry: "safe" },
      );
      return { items, mended, removed, recall, verified };
    },

    switch: () => advance({ from: "copying", to: "switched", verified: true }, "the migration is not verified"),

    rollback: () => advance({ from: "switched", to: "copying" }, "the migration is not switched"),

    async finish() {
      await advance(
        { from: "switched", to: "finished", restMs: 2 * stateMs },
        "the migration is not switched, or too freshly",
      );
      await sleep(2 * stateMs);
      await from.vectors.drop();
    },
  };
}
