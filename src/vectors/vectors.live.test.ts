/** What vector sets alone promise; what every driver does is in test/conformance/vectors.ts. */
import { describe, expect } from "vitest";
import { inVectorSets, liveTest } from "../../test/live.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { losing } from "../testing/index.ts";
import { createVectors, type Item, type RecallReport, type VectorsOptions } from "./index.ts";

const attributes = { lang: "tag", year: "number" } as const;
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
  { id: "y", vector: [0, 1, 0], attributes: { lang: "de", year: 2025 } },
  { id: "xy", vector: [1, 1, 0], attributes: { lang: "en", year: 2026 } },
  { id: "-x", vector: [-1, 0, 0] },
];

describe.skipIf(!inVectorSets)("a collection in vector sets", () => {
  liveTest("never mixes quantisations", async ({ tenant }) => {
    await open(tenant).upsert(items);
    const docs = open(tenant, { quantisation: "none" });
    await expect(docs.upsert(items)).rejects.toMatchObject({ code: "conflict" });
    await expect(docs.search({ vector: [1, 0, 0], exact: true })).rejects.toMatchObject({ code: "conflict" });
  });

  liveTest("keeps one bit a number where that is enough", async ({ tenant }) => {
    const docs = open(tenant, { quantisation: "binary" });
    await docs.upsert(items);
    const [nearest] = await docs.search({ vector: [-1, -1, -1], limit: 1, withVectors: true });
    expect(nearest).toMatchObject({ id: "-x" });
    expect([...(nearest?.vector ?? [])].map(Math.sign)).toEqual([-1, -1, -1]);
  });

  liveTest("takes ended items out of the index as others are stored", async ({ tenant }) => {
    const docs = open(tenant);
    await docs.upsert(items.map((item) => ({ ...item, ttlMs: 20 })));
    await new Promise((resolve) => setTimeout(resolve, 40));
    await docs.upsert([{ id: "new", vector: [0, 1, 1] }]);
    const set = `{${tenant.app}:acme:default}:vectors:docs:set`;
    expect(await tenant.send(["VCARD", set])).toBe(1);
  });

  liveTest("survives a lost command: what was acknowledged is there, and trying again is safe", async ({ tenant }) => {
    for (const when of ["before", "after"] as const) {
      const docs = open(losing(tenant, 1, when), { name: when });
      const upsert = () => docs.upsert(items);
      await upsert().catch(upsert);
      expect(await docs.count()).toBe(4);
    }
  });

  liveTest("stores what it can of a batch, and tells of each item that it cannot", async ({ tenant }) => {
    const vectors = createVectors(tenant, { name: "odd", dimensions: 2, metric: "cosine", index: "hnsw" });
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    const wrong = [
      { id: "bigint", vector: [1, 0], payload: { n: [1n] } },
      { id: "cycle", vector: [1, 0], payload: cycle },
      { id: "number", vector: [1n, 0] },
      null,
      7,
    ] as never[];
    const told = await vectors.upsert([{ id: "good", vector: [1, 0], payload: 1 }, ...wrong]);
    expect(told.map((one) => (one.stored ? "stored" : [one.error.code, one.error.details?.["path"]]))).toEqual([
      "stored",
      ["invalid_input", "payload.n[0]"],
      ["invalid_input", "payload.self"],
      ["invalid_input", "vector"],
      ["invalid_input", "items"],
      ["invalid_input", "items"],
    ]);
    await expect(vectors.update("good", { payload: 1n })).rejects.toMatchObject({ code: "invalid_input" });
    expect((await vectors.get(["good"]))[0]).toMatchObject({ payload: 1 });
  });

  liveTest("tells its bytes", async ({ tenant }) => {
    const docs = open(tenant);
    await docs.upsert(items);
    const { bytesPerVector = 0, recordBytes = 0 } = await docs.info();
    expect(Math.min(bytesPerVector, recordBytes)).toBeGreaterThan(0);
  });

  liveTest("refuses a vector longer than it said, where length counts", async ({ tenant }) => {
    const docs = open(tenant, { metric: "ip" });
    const [result] = await docs.upsert([{ id: "long", vector: [1, 1, 0] }]);
    expect(result).toMatchObject({ stored: false, error: { code: "invalid_input", details: { path: "vector" } } });
    expect(await docs.search({ vector: [9, 9, 9] })).toEqual([]);
  });

  liveTest("knows when its graph overlooks too much, and then looks more widely", async ({ tenant }) => {
    const reports: (RecallReport | Error)[] = [];
    const recall = {
      target: 0.9,
      sampleEvery: 1,
      onSample: (report: RecallReport | Error) => void reports.push(report),
    };
    const docs = open(tenant, { dimensions: 32, recall });
    const vectors = Array.from({ length: 3_000 }, () => Float32Array.from({ length: 32 }, () => Math.random() - 0.5));
    await docs.upsert(vectors.map((vector, at) => ({ id: `v${at}`, vector })));
    // The same elements in a starved graph: far too few links, hardly looked for.
    const key = `{${tenant.app}:acme:default}:vectors:docs:set`;
    await tenant.send(["DEL", key]);
    const starved = vectors.map((vector, at) => [
      "VADD",
      key,
      "FP32",
      Buffer.from(vector.buffer),
      `v${at}`,
      "Q8",
      "EF",
      "1",
      "M",
      "4",
    ]);
    await tenant.pipeline(starved, { timeoutMs: 30_000 });
    for (let at = 0; at < 40; at += 1) {
      await docs.search({ vector: vectors[at * 7] as Float32Array });
      await expect.poll(() => reports.length, { interval: 2 }).toBeGreaterThan(at);
    }
    expect(reports.some((report) => report instanceof Error)).toBe(false);
    const [early, late] = [reports[3], reports.at(-1)] as [RecallReport, RecallReport];
    expect(early.recall).toBeLessThan(0.9);
    expect(late.effort).toBeGreaterThan(100);
    expect(docs.recall()).toEqual(late);
    expect(open(tenant, { dimensions: 32 }).recall()).toBeUndefined();
  });
});

describe.skipIf(!inVectorSets)("a collection's cost", () => {
  liveTest(
    "is one round trip for a search, a read, a delete and 16 items, two for an update and for an exact search of a graph",
    async ({ counted, proxy }) => {
      const docs = open(counted.scope("acme"));
      const acts = [
        () => docs.upsert(items),
        () => docs.search({ vector: [1, 0, 0], where: { lang: "en" } }),
        () => docs.get(["x", "y"]),
        () => docs.update("x", { attributes: { year: 1 } }),
        () => docs.search({ vector: [1, 0, 0], exact: true }),
        () => docs.delete(["-x"]),
      ];
      for (const act of acts) await act();
      const trips: number[] = [];
      for (const act of acts) {
        proxy.reset();
        await act();
        trips.push(proxy.roundTrips());
      }
      expect(trips).toEqual([1, 1, 1, 2, 2, 1]);
    },
  );
});
