import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ScopedRedis } from "../../src/redis/index.ts";
import { similarityOf } from "../../src/vectors/scale.ts";
import {
  createVectors,
  type Item,
  type ScopedPostgres,
  type Vectors,
  type VectorsOptions,
} from "../../src/vectors/index.ts";
import { insidesOf } from "../../src/vectors/vectors.ts";

/** Where a driver's collections live, for one run of the suite. */
export interface VectorHost {
  scope(name: string): ScopedRedis | ScopedPostgres;
  close(): Promise<void>;
}

const attributes = { lang: "tag", year: "number", open: "boolean", body: "text" } as const;
type Schema = typeof attributes;

/** What a run of the suite sets for all its collections. */
export type DriverOptions = Pick<VectorsOptions<Schema>, "engine" | "quantisation" | "partitions">;

const items: Item<Schema>[] = [
  { id: "x", vector: [1, 0, 0], attributes: { lang: "en", year: 2024, body: "Alpha beta" }, payload: { title: "X" } },
  { id: "y", vector: [0, 1, 0], attributes: { lang: "de", year: 2025, open: true, body: "Zebra, quagga and okapi" } },
  { id: "xy", vector: [1, 1, 0], attributes: { lang: "en", year: 2026 } },
  { id: "-x", vector: [-1, 0, 0] },
];

/** What every driver of the vector store promises, on every server. */
export function describeVectors(name: string, openHost: () => Promise<VectorHost>, driver: DriverOptions): void {
  describe(`vectors over ${name}`, () => {
    let host: VectorHost;
    beforeAll(async () => {
      host = await openHost();
    });
    afterAll(() => host.close());

    function open(options: Partial<VectorsOptions<Schema>> = {}, scope = `s-${randomUUID()}`): Vectors<Schema> {
      return createVectors(host.scope(scope), {
        name: "docs",
        dimensions: 3,
        metric: "cosine",
        index: "hnsw",
        attributes,
        timeoutMs: 10_000,
        ...driver,
        ...options,
      });
    }

    describe.each(["hnsw", "flat"] as const)("a %s collection", (index) => {
      it.each(["cosine", "ip", "l2"] as const)("finds what %s means, on its scale and in its order", async (metric) => {
        if (driver.quantisation === "q8" && driver.engine === "search" && metric !== "cosine") return;
        const docs = open({ index, metric, dimensions: 8, ...(metric !== "cosine" && { lengthMax: LENGTH_MAX }) });
        const random = generator(7);
        const vectors = Array.from({ length: 40 }, () => Float32Array.from({ length: 8 }, () => random() * 4 - 2));
        await docs.upsert(vectors.map((vector, at) => ({ id: `v${at}`, vector })));
        for (const query of vectors.slice(0, 6).map((vector) => vector.map((value) => value + random() - 0.5))) {
          const found = await docs.search({ vector: query, limit: 40 });
          expect(found).toHaveLength(40);
          for (const { id, similarity } of found) {
            const truth = similarityOf(metric, query, vectors[Number(id.slice(1))] as Float32Array);
            expect(Math.abs(spanned(similarity, metric) - spanned(truth, metric))).toBeLessThan(
              tolerance(driver, metric),
            );
          }
          const similarities = found.map(({ similarity }) => similarity);
          expect(similarities).toEqual(similarities.toSorted((a, b) => b - a));
          const floor = similarities[10] as number;
          expect(await docs.search({ vector: query, minSimilarity: floor })).toHaveLength(10);
          expect((await docs.search({ vector: query, limit: 100, minSimilarity: floor })).length).toBe(11);
        }
      });

      it("stores and finds a vector as it was passed, whatever its array holds afterwards", async () => {
        const docs = open({ index });
        const vector = Float32Array.of(1, 0, 0);
        const stored = docs.upsert([{ id: "x", vector }]);
        vector.set([0, 1, 0]);
        await stored;
        await docs.upsert([{ id: "y", vector: Float32Array.of(0, 1, 0) }]);
        const found = docs.search({ vector, limit: 1 });
        vector.set([1, 0, 0]);
        expect(await found).toMatchObject([{ id: "y" }]);
        expect(await docs.search({ vector, limit: 1 })).toMatchObject([{ id: "x" }]);
      });

      it("finds by filter too", async () => {
        const docs = open({ index });
        await docs.upsert(items);
        const ids = async (where: Parameters<typeof docs.search>[0]["where"]) =>
          (await docs.search({ vector: [1, 0.1, 0], where })).map(({ id }) => id);
        expect(await ids({ lang: "en" })).toEqual(["x", "xy"]);
        expect(await ids({ lang: "EN" })).toEqual([]);
        expect(await ids({ year: { gte: 2025 } })).toEqual(["xy", "y"]);
        expect(await ids({ not: { lang: "en" } })).toEqual(["y", "-x"]);
        expect(await ids({ open: { exists: false }, lang: { in: ["en", "de"] } })).toEqual(["x", "xy"]);
        expect(await ids({ or: [{ open: true }, { year: 2024 }] })).toEqual(["x", "y"]);
        expect(await ids({ body: { exists: true } })).toEqual(["x", "y"]);
      });

      it("tells numbers of any size apart, as they were stored", async () => {
        const docs = open({ index });
        const numbers = [-Number.MAX_VALUE, -1e255, -1, -5e-324, 0, 5e-324, 2.2250738585072014e-308, 1.5e-99, 0.1];
        numbers.push(1, 2 ** 53, 1e21, 1.2345678901234567e255, 1e308, Number.MAX_VALUE);
        await docs.upsert(numbers.map((year, at) => ({ id: `n${at}`, vector: [1, at / 10, 0], attributes: { year } })));
        const found = async (year: object | number) => {
          const hits = await docs.search({ vector: [1, 0, 0], limit: 50, where: { year } });
          return hits.map(({ attributes: { year: one } }) => one as number).toSorted((a, b) => a - b);
        };
        for (const one of numbers) {
          expect(await found(one)).toEqual([one]);
          expect(await found({ gt: one })).toEqual(numbers.filter((other) => other > one));
          expect(await found({ gte: one })).toEqual(numbers.filter((other) => other >= one));
          expect(await found({ lt: one })).toEqual(numbers.filter((other) => other < one));
          expect(await found({ lte: one })).toEqual(numbers.filter((other) => other <= one));
          expect(await found({ in: [one] })).toEqual([one]);
        }
        const hits = await docs.search({ vector: [1, 0, 0], limit: 50, where: { not: { year: { in: numbers } } } });
        expect(hits).toEqual([]);
      });

      it("finds the same by an exact search", async () => {
        const docs = open({ index });
        await docs.upsert(items);
        for (const where of [undefined, { lang: "en" }]) {
          const search = { vector: [1, 0.2, 0.1], where, withVectors: true };
          const found = await docs.search({ ...search, exact: true });
          expect(found.map(({ id }) => id)).toEqual((await docs.search(search)).map(({ id }) => id));
          expect(found.every(({ vector }) => vector?.length === 3)).toBe(true);
        }
      });
    });

    it("gives back what an item carries", async () => {
      const docs = open();
      await docs.upsert(items);
      const [nearest] = await docs.search({ vector: [1, 0, 0], limit: 1 });
      expect(nearest).toEqual({
        id: "x",
        attributes: items[0]?.attributes,
        payload: { title: "X" },
        similarity: expect.closeTo(1, 2) as number,
      });
      const [stored, nothing] = await docs.get(["xy", "none"], { withVectors: true });
      expect(nothing).toBeUndefined();
      expect(stored).toMatchObject({ id: "xy", attributes: { lang: "en", year: 2026 }, payload: null });
      for (const [at, value] of [1, 1, 0].entries()) expect(stored?.vector?.[at]).toBeCloseTo(value, 1);
    });

    it("gives each item of a batch its own result, and stores the good ones", async () => {
      const docs = open();
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

    it("replaces an item of the same id whole", async () => {
      const docs = open();
      await docs.upsert([{ ...(items[0] as Item<Schema>), ttlMs: 60_000 }, ...items.slice(1)]);
      await docs.upsert([{ id: "x", vector: [0, 0, 1] }]);
      expect(await docs.get(["x"])).toEqual([{ id: "x", attributes: {}, payload: null }]);
      expect((await docs.search({ vector: [0, 0, 1], limit: 1 }))[0]?.id).toBe("x");
      expect(await docs.search({ vector: [1, 0, 0], where: { year: 2024 } })).toEqual([]);
      await docs.upsert([
        { id: "x", vector: [1, 0, 0], payload: 1 },
        { id: "x", vector: [0, 1, 0], payload: 2 },
      ]);
      expect(await docs.get(["x"])).toMatchObject([{ payload: 2 }]);
      expect(await docs.count()).toBe(4);
    });

    it("changes attributes without the vector or the life, and knows what is not there", async () => {
      const docs = open();
      await docs.upsert([{ ...(items[0] as Item<Schema>), ttlMs: 60_000 }, ...items.slice(1)]);
      expect(await docs.update("x", { attributes: { year: 2030, lang: undefined, body: undefined } })).toBe(true);
      expect(await docs.get(["x"])).toEqual([
        { id: "x", attributes: { year: 2030 }, payload: { title: "X" }, ttlMs: expect.any(Number) as number },
      ]);
      expect((await docs.search({ vector: [1, 0, 0], where: { year: 2030 } })).map(({ id }) => id)).toEqual(["x"]);
      expect(await docs.search({ vector: [1, 0, 0], where: { lang: "en", year: 2030 } })).toEqual([]);
      expect(await docs.update("none", { attributes: { year: 1 } })).toBe(false);
    });

    it("finds what lies behind much that ended together", async () => {
      const docs = open();
      await docs.upsert(Array.from({ length: 20 }, (_, at) => ({ id: `kept${at}`, vector: [1, 1, at / 10] })));
      const ttlMs = 500;
      await docs.upsert(Array.from({ length: 60 }, (_, at) => ({ id: `e${at}`, vector: [1, 0, at / 100], ttlMs })));
      await sleep(ttlMs + 50);
      for (const exact of [false, true])
        expect(await docs.search({ vector: [1, 0, 0], limit: 10, exact })).toHaveLength(10);
    });

    it("ends items at their own time: no search, read, count or scan shows them after", async () => {
      const docs = open();
      await docs.upsert(items.map((item, at) => (at % 2 === 0 ? { ...item, ttlMs: 2_000 } : item)));
      expect(await docs.count()).toBe(4);
      const [x, y] = await docs.get(["x", "y"]);
      expect(x?.ttlMs).toBeGreaterThan(0);
      expect(x?.ttlMs).toBeLessThanOrEqual(2_000);
      expect(y).not.toHaveProperty("ttlMs");
      await sleep(2_050);
      expect((await docs.search({ vector: [1, 0, 0] })).map(({ id }) => id)).toEqual(["y", "-x"]);
      expect(await docs.get(["x"])).toEqual([undefined]);
      expect(await docs.count()).toBe(2);
      expect(await idsOf(docs)).toEqual(["-x", "y"]);
      expect(await docs.update("x", { payload: "ghost" })).toBe(false);
      expect(await docs.delete(["xy"])).toBe(0);
      await docs.upsert([
        { id: "new", vector: [0, 1, 1] },
        { id: "x", vector: [1, 0, 0] },
      ]);
      expect(await docs.count()).toBe(4);
      expect(await idsOf(docs)).toEqual(["-x", "new", "x", "y"]);
    });

    it("deletes by id and by filter, never everything by accident", async () => {
      const docs = open();
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
    });

    it("drops a namespace, and begins anew after", async () => {
      const docs = open();
      expect([await docs.count(), await docs.search({ vector: [1, 0, 0] }), await docs.get(["x"])]).toEqual([
        0,
        [],
        [undefined],
      ]);
      await docs.drop();
      await docs.upsert(items);
      await docs.drop();
      expect([await docs.count(), await idsOf(docs)]).toEqual([0, []]);
      await docs.upsert(items.slice(0, 2));
      expect((await docs.search({ vector: [1, 0, 0] })).map(({ id }) => id)).toEqual(["x", "y"]);
    });

    it("keeps namespaces, names and tenants apart", async () => {
      const scope = `S-${randomUUID()}`;
      const acme = open({}, scope);
      await acme.upsert(items);
      const others = [
        acme.namespace("b"),
        acme.namespace("*"),
        open({ name: "docs2" }, scope),
        open({ name: "doc" }, scope),
        open({}, scope.toLowerCase()),
      ];
      for (const apart of others) {
        expect(await apart.search({ vector: [1, 0, 0] })).toEqual([]);
        expect(await apart.count()).toBe(0);
        expect(await apart.delete(["x"])).toBe(0);
        await apart.upsert([{ id: "own", vector: [1, 0, 0] }]);
        expect(await idsOf(apart)).toEqual(["own"]);
        await apart.drop();
      }
      expect(await acme.count()).toBe(4);
      expect(() => acme.namespace("a\0b")).toThrow(expect.objectContaining({ code: "invalid_input" }));
    });

    it("takes ids and words of any characters", async () => {
      const docs = open();
      const hostile = ["{a}", "a:b*?", "ключ 🎉", "\0\n\r", "' or 1=1 --", '"', "a,b", " pad ", "w_20"];
      await docs.upsert(hostile.map((id, at) => ({ id, vector: [1, at, 0], attributes: { lang: id } })));
      expect(await idsOf(docs)).toEqual(hostile.toSorted());
      for (const id of hostile) {
        expect((await docs.search({ vector: [1, 0, 0], where: { lang: id } })).map((match) => match.id)).toEqual([id]);
        expect(await docs.get([id])).toMatchObject([{ id, attributes: { lang: id } }]);
      }
      expect(await docs.delete(hostile)).toBe(hostile.length);
    });

    it("never mixes vectors of another embedder, metric, schema or length", async () => {
      const scope = `s-${randomUUID()}`;
      await open({}, scope).upsert(items);
      const different: Partial<VectorsOptions<Schema>>[] = [
        { fingerprint: "other" },
        { dimensions: 4 },
        { metric: "ip" },
        { attributes: { ...attributes, more: "tag" } as never },
      ];
      for (const options of different) {
        if (driver.quantisation === "q8" && driver.engine === "search" && options.metric !== undefined) continue;
        const docs = open(options, scope);
        const vector = Array.from({ length: options.dimensions ?? 3 }, () => 0.5);
        await expect(docs.upsert([{ id: "a", vector }])).rejects.toMatchObject({ code: "conflict" });
        await expect(docs.search({ vector })).rejects.toMatchObject({ code: "conflict" });
      }
      expect(await open({}, scope).count()).toBe(4);
    });

    it("stores one item if nothing has changed, and only then", async () => {
      const docs = open();
      const inside = insidesOf(docs);
      const { driver: inner, namespace } = inside;
      const [first, second] = [
        inside.toStoredItem({ id: "a", vector: [1, 0, 0], payload: 1 }),
        inside.toStoredItem({ id: "a", vector: [0, 1, 0], payload: 2, ttlMs: 1500 }),
      ];
      expect(await inner.put(namespace, first, second.record)).toBe(false);
      expect(await inner.put(namespace, first, undefined)).toBe(true);
      expect(await inner.put(namespace, second, undefined)).toBe(false);
      expect(await inner.put(namespace, second, first.record)).toBe(true);
      expect(await docs.search({ vector: [0, 1, 0] })).toMatchObject([
        { id: "a", payload: 2, similarity: expect.closeTo(1, 2) as number },
      ]);
      await sleep(1600);
      expect(await inner.put(namespace, first, second.record)).toBe(false);
      expect(await inner.put(namespace, first, undefined)).toBe(true);
      expect(await docs.count()).toBe(1);
    });

    it("ranks by words as well, chooses unlike matches, and lets a caller rank", async () => {
      const docs = open();
      await docs.upsert(items);
      const spoken = await docs.search({ vector: [1, 0, 0], words: "an okapi!", limit: 2 });
      expect(spoken.map(({ id }) => id)).toContain("y");
      expect(spoken[0]?.score).toBeGreaterThan(0);
      expect(await docs.search({ vector: [1, 0, 0], words: "?!", limit: 1 })).toMatchObject([{ id: "x" }]);
      const unlike = await docs.search({ vector: [1, 0.4, 0], diversity: 0.8, limit: 2 });
      expect(unlike.map(({ id }) => id)).not.toEqual(
        (await docs.search({ vector: [1, 0.4, 0], limit: 2 })).map(({ id }) => id),
      );
      const ranked = await docs.search({
        vector: [1, 0, 0],
        limit: 2,
        rerank: (matches) => matches.map(({ similarity }) => -similarity),
      });
      expect(ranked).toMatchObject([{ id: "-x", score: expect.closeTo(1, 6) as number }, { id: "y" }]);
      await expect(docs.search({ vector: [1, 0, 0], rerank: () => [1] })).rejects.toMatchObject({
        details: { path: "rerank" },
      });
    });

    it("tells what it takes", async () => {
      const docs = open();
      await docs.upsert(items);
      expect(await docs.info()).toMatchObject({ items: 4, advice: "flat" });
    });
  });
}

/** All ids of a collection, sorted; each may come more than once. */
export async function idsOf<S extends Schema>(docs: Vectors<S>): Promise<string[]> {
  const ids = new Set<string>();
  for await (const page of docs.scan({ pageSize: 3 })) for (const { id } of page) ids.add(id);
  return [...ids].toSorted();
}

const LENGTH_MAX = 6;

/** A similarity as a part of what its metric spans: rounding is even there. A distance is squared for that. */
function spanned(similarity: number, metric: string): number {
  if (metric === "ip") return similarity / LENGTH_MAX ** 2;
  return metric === "l2" ? (1 / similarity - 1) ** 2 / (4 * LENGTH_MAX ** 2) : similarity / 2;
}

/** How far off a rounded one may be. */
function tolerance({ engine = "vectorset", quantisation }: DriverOptions, metric: string): number {
  const rounded = (quantisation ?? (engine === "search" ? "none" : "q8")) === "q8";
  if (!rounded) return quantisation === "f16" ? 1e-3 : 1e-6;
  return metric === "cosine" ? 0.01 : 0.02;
}

/** A small repeatable generator of numbers from 0 to 1. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
