import { describe, expect } from "vitest";
import { liveTest } from "../../test/live.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { losing } from "../testing/index.ts";
import { createVectors, type Item, type VectorsOptions } from "./index.ts";

const attributes = { lang: "tag", year: "number", open: "boolean" } as const;
type Schema = typeof attributes;

function open(tenant: ScopedRedis, options: Partial<VectorsOptions<Schema>> = {}) {
  return createVectors(tenant, {
    name: "docs",
    dimensions: 3,
    metric: "cosine",
    index: "hnsw",
    attributes,
    ...options,
  });
}

const items: Item<Schema>[] = [
  { id: "x", vector: [1, 0, 0], attributes: { lang: "en", year: 2024 }, payload: { title: "X" } },
  { id: "y", vector: [0, 1, 0], attributes: { lang: "de", year: 2025, open: true } },
  { id: "xy", vector: [1, 1, 0], attributes: { lang: "en", year: 2026 } },
  { id: "-x", vector: [-1, 0, 0] },
];

describe.each(["hnsw", "flat"] as const)("a %s collection", (index) => {
  liveTest("finds the nearest items on one scale, with what they carry", async ({ tenant }) => {
    const docs = open(tenant, { index });
    await docs.upsert(items);
    const found = await docs.search({ vector: [1, 0, 0] });
    expect(found.map(({ id }) => id)).toEqual(["x", "xy", "y", "-x"]);
    expect(found.map(({ similarity }) => Math.round(similarity * 100) / 100)).toEqual([1, 0.71, 0, -1]);
    expect(found[0]).toMatchObject({ attributes: { lang: "en", year: 2024 }, payload: { title: "X" } });
    expect((await docs.search({ vector: [1, 0, 0], minSimilarity: 0.5 })).map(({ id }) => id)).toEqual(["x", "xy"]);
    expect(await docs.search({ vector: [1, 0, 0], limit: 1 })).toHaveLength(1);
  });

  liveTest("finds by filter too", async ({ tenant }) => {
    const docs = open(tenant, { index });
    await docs.upsert(items);
    const ids = async (where: Parameters<typeof docs.search>[0]["where"]) =>
      (await docs.search({ vector: [1, 0.1, 0], where })).map(({ id }) => id);
    expect(await ids({ lang: "en" })).toEqual(["x", "xy"]);
    expect(await ids({ year: { gte: 2025 } })).toEqual(["xy", "y"]);
    expect(await ids({ not: { lang: "en" } })).toEqual(["y", "-x"]);
    expect(await ids({ open: { exists: false }, lang: { in: ["en", "de"] } })).toEqual(["x", "xy"]);
    expect(await ids({ or: [{ open: true }, { year: 2024 }] })).toEqual(["x", "y"]);
  });
});

describe("a collection", () => {
  liveTest("gives each item of a batch its own result, and stores the good ones", async ({ tenant }) => {
    const docs = open(tenant);
    const results = await docs.upsert([
      items[0] as Item<Schema>,
      { id: "nan", vector: [Number.NaN, 0, 0] },
      { id: "", vector: [1, 0, 0] },
      { id: "attr", vector: [1, 0, 0], attributes: { year: "x" } as never },
      items[1] as Item<Schema>,
    ]);
    expect(results.map(({ stored }) => stored)).toEqual([true, false, false, false, true]);
    expect(results[1]).toMatchObject({ error: { code: "invalid_input", details: { path: "vector" } } });
    expect(await docs.count()).toBe(2);
  });

  liveTest("replaces an item of the same id whole", async ({ tenant }) => {
    const docs = open(tenant);
    await docs.upsert(items);
    await docs.upsert([{ id: "x", vector: [0, 0, 1] }]);
    expect(await docs.get(["x", "none"])).toEqual([{ id: "x", attributes: {}, payload: null }, undefined]);
    expect((await docs.search({ vector: [0, 0, 1], limit: 1 }))[0]?.id).toBe("x");
    expect(await docs.search({ vector: [1, 0, 0], where: { year: 2024 } })).toEqual([]);
  });

  liveTest("changes attributes without the vector, and knows what is not there", async ({ tenant }) => {
    const docs = open(tenant);
    await docs.upsert(items);
    expect(await docs.update("x", { attributes: { year: 2030, lang: undefined } })).toBe(true);
    expect(await docs.get(["x"])).toEqual([{ id: "x", attributes: { year: 2030 }, payload: { title: "X" } }]);
    expect((await docs.search({ vector: [1, 0, 0], where: { year: 2030 } })).map(({ id }) => id)).toEqual(["x"]);
    expect(await docs.update("none", { attributes: { year: 1 } })).toBe(false);
  });

  liveTest("ends items at their own time: no search, read, count or scan shows them after", async ({ tenant }) => {
    const docs = open(tenant);
    await docs.upsert(items.map((item, at) => (at % 2 === 0 ? { ...item, ttlMs: 120 } : item)));
    expect(await docs.count()).toBe(4);
    await new Promise((resolve) => setTimeout(resolve, 160));
    expect((await docs.search({ vector: [1, 0, 0] })).map(({ id }) => id)).toEqual(["y", "-x"]);
    expect(await docs.get(["x"])).toEqual([undefined]);
    expect(await docs.count()).toBe(2);
    const scanned: string[] = [];
    for await (const page of docs.scan()) scanned.push(...page.map(({ id }) => id));
    expect(scanned.toSorted()).toEqual(["-x", "y"]);
    expect(await docs.update("x", { payload: "ghost" })).toBe(false);
    await docs.upsert([{ id: "new", vector: [0, 1, 1] }]);
    expect((await docs.info()).items).toBe(3);
  });

  liveTest("deletes by id and by filter, never everything by accident", async ({ tenant }) => {
    const docs = open(tenant);
    await docs.upsert(items);
    expect(await docs.delete(["x", "none"])).toBe(1);
    expect(await docs.deleteWhere({ lang: "en" }, { dryRun: true })).toBe(1);
    expect(await docs.count()).toBe(3);
    expect(await docs.deleteWhere({ lang: "en" })).toBe(1);
    for (const nothing of [{}, { lang: undefined }]) {
      await expect(docs.deleteWhere(nothing)).rejects.toMatchObject({
        code: "invalid_input",
        details: { path: "where" },
      });
    }
    expect(await docs.count()).toBe(2);
    await docs.drop();
    expect(await docs.count()).toBe(0);
  });

  liveTest("keeps namespaces, names and tenants apart", async ({ redis }) => {
    const [acme, other] = [open(redis.scope("acme")), open(redis.scope("Acme"))];
    await acme.upsert(items);
    for (const apart of [
      acme.namespace("b"),
      acme.namespace("*"),
      open(redis.scope("acme"), { name: "docs2" }),
      other,
    ]) {
      expect(await apart.search({ vector: [1, 0, 0] })).toEqual([]);
      expect(await apart.count()).toBe(0);
      expect(await apart.delete(["x"])).toBe(0);
      await apart.drop();
    }
    expect(await acme.count()).toBe(4);
  });

  liveTest("never mixes vectors of another embedder, length or quantisation", async ({ tenant }) => {
    await open(tenant).upsert(items);
    for (const different of [{ fingerprint: "other" }, { quantisation: "none" }, { dimensions: 4 }] as const) {
      const docs = open(tenant, different);
      const vector = Array.from(
        { length: different === undefined ? 3 : ((different as { dimensions?: number }).dimensions ?? 3) },
        () => 1,
      );
      await expect(docs.upsert([{ id: "a", vector }])).rejects.toMatchObject({ code: "conflict" });
      await expect(docs.search({ vector })).rejects.toMatchObject({ code: "conflict" });
    }
    expect(await open(tenant).count()).toBe(4);
  });

  liveTest("survives a lost command: what was acknowledged is there, and trying again is safe", async ({ tenant }) => {
    for (const when of ["before", "after"] as const) {
      const docs = open(losing(tenant, 1, when), { name: when });
      const upsert = () => docs.upsert(items);
      await upsert().catch(upsert);
      expect(await docs.count()).toBe(4);
    }
  });

  liveTest("tells what it takes", async ({ tenant }) => {
    const docs = open(tenant);
    await docs.upsert(items);
    expect(await docs.info()).toMatchObject({ items: 4, advice: "flat", bytesPerVector: expect.any(Number) as number });
  });
});

describe("a collection's cost", () => {
  liveTest(
    "is one round trip for a search, a read, a delete and 16 items, two for an update",
    async ({ counted, proxy }) => {
      const docs = open(counted.scope("acme"));
      const acts = [
        () => docs.upsert(items),
        () => docs.search({ vector: [1, 0, 0], where: { lang: "en" } }),
        () => docs.get(["x", "y"]),
        () => docs.update("x", { attributes: { year: 1 } }),
        () => docs.delete(["-x"]),
      ];
      for (const act of acts) await act();
      const trips: number[] = [];
      for (const act of acts) {
        proxy.reset();
        await act();
        trips.push(proxy.roundTrips());
      }
      expect(trips).toEqual([1, 1, 1, 2, 1]);
    },
  );
});
