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
  /** Name of this migration within its scope; one for each namespace that moves. */
  readonly name: string;
  readonly from: MigrationSide<S, Q>;
  readonly to: MigrationSide<S, Q>;
  /** How long a handle may go by the phase that it knows, in milliseconds, 1 to 60,000. @default 1_000 */
  readonly stateMs?: number | undefined;
}

/** Where a migration is: readers see `from` while `copying`, `to` from `switched` on; `from` is gone when `finished`. */
export type MigrationPhase = "copying" | "switched" | "finished";

/** What the last check found. */
export interface MigrationReport {
  /** Items on the old side. */
  readonly items: number;
  /** Items that were missing or other on the new side, and are mended. */
  readonly mended: number;
  /** Items on the new side alone, and taken out. */
  readonly removed: number;
  /** Part of true neighbours that searches of the new side find. */
  readonly recall: number;
  /** Whether `switch` may go on from here. */
  readonly verified: boolean;
}

/**
 * Moves a namespace to another embedder, dimension, metric or engine while it is used. Everyone who writes does so through
 * `upsert`, `update` and `delete` here, to both sides; everyone who reads through `search` and `get`, from the side that counts.
 * Then, once: `backfill`, `verify`, `switch`; `rollback` while in doubt; `finish`. Each may be run again after a crash, anywhere.
 */
export interface Migration<S extends AttributeSchema, Q> {
  /** Where it is. One round trip. */
  phase(): Promise<MigrationPhase>;
  /** As `Vectors.upsert`, on both sides, the one that readers see first. An error may mean that one side has the item: try again. */
  upsert(items: readonly Source<S>[]): Promise<ItemResult[]>;
  update: Vectors<S>["update"];
  delete(ids: readonly string[]): Promise<number>;
  get(ids: readonly string[]): Promise<(StoredEntry<S> | undefined)[]>;
  search(query: Q, search?: Omit<Search<S>, "vector">): Promise<Match<S>[]>;
  /**
   * Copies what the new side has not, from where the last run stopped. Items that others write meanwhile keep what they wrote.
   * @param options `itemsPerSecond`: at most so many, 1 to 1,000,000 (default no bound); `pageSize`: 1 to 1,000 (default 64)
   */
  backfill(options?: {
    readonly itemsPerSecond?: number | undefined;
    readonly pageSize?: number | undefined;
    readonly signal?: AbortSignal | undefined;
  }): Promise<Copied>;
  /**
   * Compares both sides item by item, mends what differs, and measures the recall of the new side. Run it until nothing is mended.
   * @param options `recallMin`: 0 to 1 (default 0.9); `samples`: searches, 1 to 1,000 (default 50)
   */
  verify(options?: {
    readonly recallMin?: number | undefined;
    readonly samples?: number | undefined;
  }): Promise<MigrationReport>;
  /** Readers go to the new side, all at once but for `stateMs`. @throws MarrowError `conflict` unless verified since */
  switch(): Promise<void>;
  /** Readers go back. @throws MarrowError `conflict` unless switched */
  rollback(): Promise<void>;
  /** Drops the old side. Waits until no handle can still think of it. @throws MarrowError `conflict` unless switched for two `stateMs` */
  finish(): Promise<void>;
}

/**
 * Makes a handle on a migration. Its state lives on Redis, also where both sides are elsewhere. Makes no round trip.
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

  /** The sides that writers write, the one that readers see first: what they see is then never ahead of what is kept. */
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
