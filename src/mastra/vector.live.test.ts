import type { MastraVector } from "@mastra/core/vector";
import { describe, expect, expectTypeOf } from "vitest";
import { liveTest } from "../../test/live.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { MarrowVector } from "./index.ts";

const ATTRIBUTES = { topic: "tag", year: "number", draft: "boolean" } as const;
const store = (tenant: ScopedRedis) => new MarrowVector(tenant, { id: "docs", attributes: ATTRIBUTES });

/** A store with three vectors; each points along an axis of its own. */
async function filled(tenant: ScopedRedis) {
  const vectors = store(tenant);
  await vectors.createIndex({ indexName: "pages", dimension: 3 });
  await vectors.upsert({
    indexName: "pages",
    ids: ["a", "b", "c"],
    vectors: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
    metadata: [
      { topic: "account", year: 2024, author: { name: "Ada" } },
      { topic: "router", year: 2025, draft: true },
      { topic: "billing", year: 2026 },
    ],
  });
  return vectors;
}

const idsOf = (results: readonly { readonly id: string }[]) => results.map(({ id }) => id).toSorted();

describe("collections as Mastra's vector store", () => {
  liveTest("finds the nearest vectors, with their metadata and, if wanted, the vectors", async ({ tenant }) => {
    const vectors = await filled(tenant);
    expectTypeOf(vectors).toExtend<MastraVector>();
    const [nearest] = await vectors.query({
      indexName: "pages",
      queryVector: [0.9, 0.1, 0],
      topK: 1,
      includeVector: true,
    });
    expect(nearest).toMatchObject({ id: "a", metadata: { topic: "account", author: { name: "Ada" } } });
    expect(nearest?.score).toBeCloseTo(0.99, 1);
    expect(nearest?.vector?.[0]).toBeCloseTo(1, 1);
  });

  liveTest.for([
    [{ topic: "router" }, ["b"]],
    [{ topic: { $ne: "router" } }, ["a", "c"]],
    [{ year: { $gte: 2025, $lt: 2026 } }, ["b"]],
    [{ topic: { $in: ["account", "billing"] } }, ["a", "c"]],
    [{ topic: { $nin: ["account", "billing"] } }, ["b"]],
    [{ $or: [{ topic: "account" }, { year: 2026 }] }, ["a", "c"]],
    [{ $and: [{ topic: "account" }, { year: 2026 }] }, []],
    [{ $nor: [{ topic: "account" }, { year: 2026 }] }, ["b"]],
    [{ $not: { topic: "account" } }, ["b", "c"]],
    [{ year: { $not: { $gt: 2024 } } }, ["a"]],
    [{ draft: { $exists: true } }, ["b"]],
    [{ draft: null }, ["a", "c"]],
    [{ topic: ["account", "router"] }, ["a", "b"]],
  ] as const)("filters by %j, with a query vector and without", async ([filter, ids], { tenant }) => {
    const vectors = await filled(tenant);
    expect(idsOf(await vectors.query({ indexName: "pages", queryVector: [1, 1, 1], filter: filter as never }))).toEqual(
      ids,
    );
    expect(idsOf(await vectors.query({ indexName: "pages", filter: filter as never }))).toEqual(ids);
  });

  liveTest("refuses operators that it does not have and fields that are not declared, by name", async ({ tenant }) => {
    const vectors = await filled(tenant);
    const search = (filter: object) =>
      vectors.query({ indexName: "pages", queryVector: [1, 0, 0], filter: filter as never });
    await expect(search({ topic: { $regex: "a" } })).rejects.toThrow(/filter\.topic\.\$regex uses \$regex/);
    await expect(search({ author: "Ada" })).rejects.toMatchObject({ code: "invalid_input" });
    await expect(vectors.query({ indexName: "pages" })).rejects.toMatchObject({ code: "invalid_input" });
  });

  liveTest("changes and deletes by id and by filter", async ({ tenant }) => {
    const vectors = await filled(tenant);
    await vectors.updateVector({ indexName: "pages", id: "a", update: { metadata: { topic: "moved" } } });
    await vectors.updateVector({ indexName: "pages", filter: { topic: "moved" }, update: { vector: [0, 0, 1] } });
    const [moved] = await vectors.query({ indexName: "pages", queryVector: [0, 0, 1], filter: { topic: "moved" } });
    expect(moved?.score).toBeCloseTo(1, 1);
    expect(moved?.metadata).toEqual({ topic: "moved", year: 2024, author: { name: "Ada" } });
    await vectors.deleteVector({ indexName: "pages", id: "a" });
    await vectors.deleteVectors({ indexName: "pages", filter: { topic: "router" } });
    expect(await vectors.describeIndex({ indexName: "pages" })).toEqual({ dimension: 3, metric: "cosine", count: 1 });
    await vectors.deleteVectors({ indexName: "pages", ids: ["c"] });
    expect((await vectors.describeIndex({ indexName: "pages" })).count).toBe(0);
  });

  liveTest("replaces what a filter matches when new vectors come", async ({ tenant }) => {
    const vectors = await filled(tenant);
    const next = { indexName: "pages", vectors: [[1, 1, 0]], metadata: [{ topic: "account" }], ids: ["d"] };
    await vectors.upsert({ ...next, deleteFilter: { topic: "account" } });
    expect(idsOf(await vectors.query({ indexName: "pages", filter: { topic: "account" } }))).toEqual(["d"]);
  });

  liveTest("gives another process its indexes, and refuses one of another dimension", async ({ tenant }) => {
    await filled(tenant);
    const other = store(tenant);
    expect(await other.query({ indexName: "pages", queryVector: [1, 0, 0], topK: 1 })).toMatchObject([{ id: "a" }]);
    await other.createIndex({ indexName: "pages", dimension: 3 });
    await expect(other.createIndex({ indexName: "pages", dimension: 4 })).rejects.toMatchObject({ code: "conflict" });
    await other.createIndex({ indexName: "a/b {c}", dimension: 2, metric: "euclidean" });
    expect(await other.listIndexes()).toEqual(["a/b {c}", "pages"]);
    await other.deleteIndex({ indexName: "pages" });
    expect(await other.listIndexes()).toEqual(["a/b {c}"]);
    await expect(store(tenant).describeIndex({ indexName: "pages" })).rejects.toMatchObject({ code: "not_found" });
  });
});
