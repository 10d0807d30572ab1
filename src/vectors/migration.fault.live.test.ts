import { setTimeout as sleep } from "node:timers/promises";
import { crc32 } from "node:zlib";
import { describe, expect } from "vitest";
import { inVectorSets, liveTest } from "../../test/live.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { losing } from "../testing/index.ts";
import { createMigration, createVectors, type Migration, type MigrationSide, type Source } from "./index.ts";

const attributes = { kind: "tag" } as const;
type Schema = typeof attributes;

/** Two embedders that agree on nothing: one angle for each text, in two and in three dimensions. */
const angleOf = (text: string) => (crc32(text) / 2 ** 32) * 2 * Math.PI;
const oldVector = (text: string) => [Math.cos(angleOf(text)), Math.sin(angleOf(text))];
const newVector = (text: string) => [Math.sin(angleOf(text)), 0.1, Math.cos(angleOf(text))];
const textOf = ({ payload }: Source<Schema>) => (payload as { text: string }).text;

interface Opened {
  readonly migration: Migration<Schema, string>;
  readonly from: MigrationSide<Schema, string>;
  readonly to: MigrationSide<Schema, string>;
}

function open(redis: ScopedRedis, name = "move"): Opened {
  // Exact where the engine can: the local one keeps 8 bits.
  const quantisation = inVectorSets ? ("none" as const) : undefined;
  const options = { metric: "cosine", index: "hnsw", quantisation, attributes } as const;
  const from = {
    vectors: createVectors(redis, { ...options, name: `${name}-old`, dimensions: 2, fingerprint: "old" }),
    embed: async (items: readonly Source<Schema>[]) => items.map((item) => oldVector(textOf(item))),
    embedQuery: async (text: string) => oldVector(text),
  };
  const to = {
    vectors: createVectors(redis, { ...options, name: `${name}-new`, dimensions: 3, fingerprint: "new" }),
    embed: async (items: readonly Source<Schema>[]) => items.map((item) => newVector(textOf(item))),
    embedQuery: async (text: string) => newVector(text),
  };
  return { from, to, migration: createMigration(redis, { name, from, to, stateMs: 5 }) };
}

const item = (id: string, text = `text of ${id}`): Source<Schema> => ({
  id,
  attributes: { kind: "doc" },
  payload: { text },
});

async function textsOf(vectors: Opened["from"]["vectors"]): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for await (const page of vectors.scan()) for (const entry of page) texts[entry.id] = textOf(entry);
  return texts;
}

describe("a migration to another embedder", () => {
  liveTest("moves everything while it is used, and goes back when told", async ({ tenant }) => {
    const { migration, from, to } = open(tenant);
    await migration.upsert(Array.from({ length: 90 }, (_, at) => item(`i${at}`)));
    await to.vectors.drop();
    await from.vectors.upsert([{ ...item("short"), vector: [1, 0], ttlMs: 60_000 }]);
    await expect(migration.switch()).rejects.toMatchObject({ code: "conflict" });
    expect(await migration.backfill({ pageSize: 10 })).toEqual({ scanned: 91, copied: 91 });
    expect(await migration.verify()).toMatchObject({ items: 91, mended: 0, removed: 0, verified: true });
    await migration.switch();
    expect(await migration.phase()).toBe("switched");
    const near = await migration.search("text of i7", { limit: 5 });
    expect(near.map(({ id }) => id)).toContain("i7");
    expect(near[0]?.similarity).toBeCloseTo(1, 2);
    expect((await to.vectors.get(["short"]))[0]?.ttlMs).toBeGreaterThan(50_000);
    await migration.upsert([item("late")]);
    await migration.rollback();
    expect(await migration.get(["late"])).toMatchObject([{ id: "late" }]);
    expect(await textsOf(from.vectors)).toEqual(await textsOf(to.vectors));
    await expect(migration.switch()).rejects.toMatchObject({ code: "conflict", details: { phase: "copying" } });
    expect(await migration.verify()).toMatchObject({ verified: true });
    await migration.switch();
    await expect(migration.finish()).rejects.toMatchObject({ code: "conflict" });
    await sleep(30);
    await migration.finish();
    await migration.finish();
    expect([await from.vectors.count(), await to.vectors.count()]).toEqual([0, 92]);
    expect(await migration.delete(["late"])).toBe(1);
  });

  liveTest("does not switch to a side that finds too little", async ({ tenant }) => {
    const { migration } = open(tenant);
    await migration.upsert([item("a")]);
    expect(await migration.verify()).toMatchObject({ verified: false });
    await migration.backfill();
    await expect(migration.verify({ recallMin: 1.1 })).rejects.toMatchObject({ code: "invalid_input" });
    expect(await migration.verify({ recallMin: 1 })).toMatchObject({ recall: 1, verified: true });
  });

  liveTest("goes no faster than it is told, and stops when it is told", async ({ tenant }) => {
    const { migration, from } = open(tenant);
    await from.vectors.upsert(Array.from({ length: 40 }, (_, at) => ({ ...item(`i${at}`), vector: [1, at] })));
    const beganMs = performance.now();
    const stop = AbortSignal.timeout(120);
    await expect(migration.backfill({ itemsPerSecond: 100, pageSize: 10, signal: stop })).rejects.toThrow(/abort/i);
    expect(performance.now() - beganMs).toBeLessThan(5_000);
    expect(await migration.backfill()).toMatchObject({ scanned: expect.any(Number) as number });
    expect(await migration.verify()).toMatchObject({ items: 40, mended: 0, verified: true });
  });

  liveTest("keeps what others write, change and delete while it copies", async ({ tenant }) => {
    const { migration, from, to } = open(tenant);
    const model = new Map<string, string>();
    for (let at = 0; at < 120; at += 1) model.set(`i${at}`, `first ${at}`);
    await from.vectors.upsert([...model].map(([id, text]) => ({ ...item(id, text), vector: oldVector(text) })));
    let writing = true;
    const write = async () => {
      for (let at = 0; writing; at += 1) {
        const id = `i${(at * 37) % 150}`;
        if (at % 4 === 0) {
          await migration.delete([id]);
          model.delete(id);
        } else if (at % 4 === 1 && model.has(id)) {
          await migration.update(id, { payload: { text: `changed ${at}` } });
          model.set(id, `changed ${at}`);
        } else {
          await migration.upsert([item(id, `written ${at}`)]);
          model.set(id, `written ${at}`);
        }
      }
    };
    const writer = write();
    await migration.backfill({ pageSize: 7 });
    while (!(await migration.verify()).verified) await sleep(1);
    await migration.switch();
    await sleep(20);
    writing = false;
    await writer;
    expect(await textsOf(to.vectors)).toEqual(Object.fromEntries(model));
    expect(await textsOf(from.vectors)).toEqual(Object.fromEntries(model));
  });

  liveTest(
    "loses no item and fails no read, whichever of its commands is lost",
    async ({ tenant }) => {
      const ids = Array.from({ length: 6 }, (_, at) => `i${at}`);
      for (const when of ["before", "after"] as const) {
        for (let nth = 1, lost = true; lost; nth += 1) {
          const name = `${when}-${nth}`;
          const reader = open(tenant, name).migration;
          const healthy = open(tenant, name);
          const sources = ids.map((id) => ({ ...item(id), vector: oldVector(`text of ${id}`) }));
          await healthy.from.vectors.upsert([...sources, { ...item("gone"), vector: [1, 0] }]);
          await healthy.to.vectors.upsert([{ ...item("stray"), vector: [1, 0, 0] }]);
          const breaking = losing(tenant, nth, when);
          lost = false;
          for (const migration of [open(breaking, name).migration, healthy.migration]) {
            const steps = [
              () => migration.backfill({ pageSize: 4 }),
              () => migration.delete(["gone"]),
              () => migration.verify({ samples: 2 }),
              () => migration.switch(),
            ];
            for (const step of steps) {
              if (migration === healthy.migration && (await reader.phase()) === "switched") break;
              const failed = await Promise.resolve(step()).then(
                () => false,
                () => true,
              );
              const found = await reader.search("text of i3", { limit: 1 });
              expect(found).toMatchObject([{ id: "i3" }]);
              expect((await reader.get(ids)).every((entry) => entry !== undefined)).toBe(true);
              if (failed) {
                lost = true;
                break;
              }
            }
          }
          expect(await reader.phase()).toBe("switched");
          expect(
            Object.keys(await textsOf(healthy.to.vectors))
              .filter((id) => id !== "gone")
              .toSorted(),
          ).toEqual(ids);
        }
      }
    },
    120_000,
  );
});
