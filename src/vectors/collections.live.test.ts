import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import { createMigration, createVectors, listCollections, listMigrations } from "./index.ts";

const shape = { dimensions: 3, metric: "cosine", index: "hnsw" } as const;

describe("the list of a scope's collections", () => {
  liveTest("has those that were written to, by name, page by page", async ({ redis, tenant }) => {
    for (const name of ["c", "a: 1 %", "b"]) {
      const docs = createVectors(tenant, { ...shape, name, attributes: { lang: "tag" }, fingerprint: "mini" });
      await docs.upsert([{ id: "x", vector: [1, 0, 0] }]);
    }
    await createVectors(tenant, { ...shape, name: "own", listed: false }).upsert([{ id: "x", vector: [1, 0, 0] }]);
    await createVectors(tenant, { ...shape, name: "read" }).search({ vector: [1, 0, 0] });
    await expect.poll(async () => (await listCollections(tenant)).data.length).toBe(3);
    const first = await listCollections(tenant, { limit: 2 });
    const about = { dimensions: 3, metric: "cosine", index: "hnsw", attributes: { lang: "tag" }, fingerprint: "mini" };
    const known = { engine: expect.any(String), seenAtMs: expect.any(Number), ...about };
    expect(first.data).toEqual([
      { name: "a: 1 %", ...known },
      { name: "b", ...known },
    ]);
    const rest = await listCollections(tenant, { after: first.cursor });
    expect(rest).toEqual({ data: [{ name: "c", ...known }] });
    expect(await listCollections(redis.scope("other"))).toEqual({ data: [] });
    await expect(listCollections(tenant, { limit: 101 })).rejects.toMatchObject({ code: "invalid_input" });
  });

  liveTest("tells the recall that a self-check found", async ({ tenant }) => {
    const docs = createVectors(tenant, { ...shape, name: "docs", recall: { sampleEvery: 1 } });
    await docs.upsert([
      { id: "x", vector: [1, 0, 0] },
      { id: "y", vector: [0, 1, 0] },
    ]);
    await docs.search({ vector: [1, 0, 0] });
    const recall = { recall: 1, samples: 1, effort: expect.any(Number) };
    await expect.poll(async () => (await listCollections(tenant)).data[0]).toMatchObject({ recall });
  });
});

describe("the list of a scope's migrations", () => {
  liveTest("tells how far each is and what its last check found", async ({ tenant }) => {
    const side = (name: string) => ({
      vectors: createVectors(tenant, { ...shape, name }),
      embed: async (items: readonly object[]) => items.map(() => [1, 0, 0]),
      embedQuery: async () => [1, 0, 0],
    });
    const migration = createMigration(tenant, { name: "to 2", from: side("v1"), to: side("v2"), stateMs: 1 });
    expect(await listMigrations(tenant)).toEqual({ data: [] });
    await side("v1").vectors.upsert([{ id: "x", vector: [1, 0, 0] }]);
    await migration.backfill();
    const about = { name: "to 2", phase: "copying", copied: true, verified: false, seenAtMs: expect.any(Number) };
    await expect.poll(async () => (await listMigrations(tenant)).data).toEqual([about]);
    await migration.verify();
    await migration.switch();
    expect((await listMigrations(tenant)).data).toEqual([
      { ...about, phase: "switched", verified: true, items: 1, recall: 1 },
    ]);
  });
});
