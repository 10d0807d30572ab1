import { setTimeout as sleep } from "node:timers/promises";
import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { liveTest } from "../../../test/live.ts";
import type { ScopedRedis } from "../../redis/index.ts";
import { createVectors } from "../index.ts";
import { BLOCK_BYTES } from "./arena.ts";
import { mirrorsOf } from "./mirrors.ts";

const MIRROR_MAX = 6;
const TTL_MS = 40;
const NAMES = ["a", "b", "c"] as const;
const DIMENSIONS = 1_000;
/** Two of the three namespaces have copies at once. */
const ARENA_BYTES = 2 * BLOCK_BYTES + 50_000;

interface Stored {
  readonly value: number;
  /** When it may have expired, and when it has. */
  readonly endsMs: readonly [number, number];
}

const id = fc.integer({ min: 0, max: 11 }).map((at) => `i${at}`);
const ids = fc.uniqueArray(id, { minLength: 1, maxLength: 6 });
const place = { process: fc.nat({ max: 1 }), name: fc.constantFrom(...NAMES) };
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ ...place, kind: fc.constant("upsert" as const), ids, ends: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ ...place, kind: fc.constant("delete" as const), ids }) },
  { weight: 1, arbitrary: fc.record({ ...place, kind: fc.constant("update" as const), ids }) },
  { weight: 1, arbitrary: fc.record({ ...place, kind: fc.constant("drop" as const) }) },
  { weight: 1, arbitrary: fc.record({ ...place, kind: fc.constant("wait" as const) }) },
  { weight: 5, arbitrary: fc.record({ ...place, kind: fc.constant("search" as const) }) },
  { weight: 2, arbitrary: fc.record({ ...place, kind: fc.constant("searchAll" as const) }) },
);

/** Which ids a search must find, and which ones it may find, if it began and ended at these times. */
function expected(stored: ReadonlyMap<string, Stored>, beganMs: number, endedMs: number) {
  const must: string[] = [];
  const may: string[] = [];
  let [surely, perhaps] = [0, 0];
  for (const [one, { endsMs }] of [...stored].toReversed()) {
    if (endsMs[1] < beganMs) continue;
    const lives = endsMs[0] > endedMs;
    if (lives && perhaps < MIRROR_MAX) must.push(one);
    if (surely < MIRROR_MAX) may.push(one);
    perhaps += 1;
    if (lives) surely += 1;
  }
  return { must, may };
}

describe("two processes with small copies and little memory", () => {
  liveTest(
    "find the newest items that are left, after any changes by either",
    { timeout: 120_000 },
    async ({ tenant }) => {
      let runs = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 50 }), async (steps) => {
          runs += 1;
          const processes = [0, 1].map(() => {
            const redis: ScopedRedis = { ...tenant, send: (...args) => tenant.send(...args) };
            mirrorsOf(redis, ARENA_BYTES);
            const shared = { dimensions: DIMENSIONS, metric: "l2", index: "flat", engine: "local" } as const;
            return createVectors(redis, { ...shared, name: `d${runs}`, mirrorMax: MIRROR_MAX, lengthMax: 1e6 });
          });
          const model = new Map(NAMES.map((name) => [name, new Map<string, Stored>()]));
          const vectorOf = (value: number) => new Float32Array(DIMENSIONS).fill(value);
          let value = 0;

          async function check(process: number, name: (typeof NAMES)[number]): Promise<void> {
            const beganMs = Date.now();
            const found = (await processes[process]?.namespace(name).search({ vector: vectorOf(0), limit: 100 })) ?? [];
            const stored = model.get(name) as Map<string, Stored>;
            const { must, may } = expected(stored, beganMs, Date.now());
            const told = found.map((one) => one.id);
            expect(may).toEqual(expect.arrayContaining(told));
            expect(told).toEqual(expect.arrayContaining(must));
            const values = told.map((one) => stored.get(one)?.value as number);
            expect(values).toEqual(values.toSorted((a, b) => a - b));
          }

          for (const one of steps) {
            const docs = processes[one.process]?.namespace(one.name) as (typeof processes)[0];
            const stored = model.get(one.name) as Map<string, Stored>;
            const fromMs = Date.now();
            if (one.kind === "upsert") {
              const items = one.ids.map((each) => ({ id: each, value: (value += 1) }));
              const ttl = one.ends ? { ttlMs: TTL_MS } : {};
              await docs.upsert(items.map((each) => ({ id: each.id, vector: vectorOf(each.value), ...ttl })));
              for (const each of items) {
                stored.delete(each.id);
                const endsMs = one.ends
                  ? ([fromMs + TTL_MS, Date.now() + TTL_MS] as const)
                  : ([Infinity, Infinity] as const);
                stored.set(each.id, { value: each.value, endsMs });
              }
            } else if (one.kind === "delete") {
              await docs.delete(one.ids);
              for (const each of one.ids) stored.delete(each);
            } else if (one.kind === "update") {
              for (const each of one.ids) {
                const kept = stored.get(each);
                if (!(await docs.update(each, { payload: "other" })) || kept === undefined) continue;
                stored.delete(each);
                stored.set(each, kept);
              }
            } else if (one.kind === "drop") {
              await docs.drop();
              stored.clear();
            } else if (one.kind === "wait") await sleep(TTL_MS + 2);
            else if (one.kind === "search") await check(one.process, one.name);
            else await Promise.all(NAMES.flatMap((name) => [check(0, name), check(1, name)]));
          }
          for (const process of [0, 1]) for (const name of NAMES) await check(process, name);
          for (const each of processes) for (const name of NAMES) await each.namespace(name).drop();
        }),
        { numRuns: 50, endOnFailure: true },
      );
    },
  );
});
