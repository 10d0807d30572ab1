import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { similarityOf, type Metric } from "../scale.ts";
import { BLOCK_BYTES, createArena } from "./arena.ts";
import { createCopy } from "./copy.ts";
import { queryScaleFor } from "./dots.ts";
import { decodeRow, encodeRow, round, unround, type Row } from "./row.ts";

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 32) * 2 - 1;
  };
}

const random = generator(11);
const vectorOf = (dimensions: number) => Float32Array.from({ length: dimensions }, random);
const rowOf = (vector: Float32Array, attributes = {}) => ({ ...round(vector), attributes });
const everything = { allows: undefined, nowMs: 0 };

describe("a copy of a partition", () => {
  it.each([
    [1, "cosine"],
    [7, "l2"],
    [31, "ip"],
    [33, "cosine"],
    [256, "l2"],
    [1_536, "cosine"],
    [16_000, "cosine"],
  ] as const)("orders %i numbers by %s as plain arithmetic does", async (dimensions, metric: Metric) => {
    const copy = createCopy(createArena(4_000_000), { dimensions, metric, rowsMax: 100 });
    const rows = Array.from({ length: 60 }, (_, at) => ({ id: `r${at}`, row: rowOf(vectorOf(dimensions)) }));
    for (const { id, row } of rows) copy.put(id, row, 0);
    const vector = vectorOf(dimensions);
    const found = await copy.search({ vector, limit: 60, ...everything });
    expect(found).toHaveLength(60);
    const truth = new Map(rows.map(({ id, row }) => [id, similarityOf(metric, vector, unround(row))]));
    for (const { id, similarity } of found ?? [])
      expect(Math.abs(similarity - (truth.get(id) as number)) / (1 + Math.abs(similarity))).toBeLessThan(1e-3);
    const best = [...truth].toSorted(([, a], [, b]) => b - a).slice(0, 3);
    expect(
      (await copy.search({ vector, limit: 3, ...everything }))?.map(({ similarity }) => similarity.toFixed(2)),
    ).toEqual(best.map(([, similarity]) => similarity.toFixed(2)));
  });

  it("sums the largest numbers without leaving 32 bits", async () => {
    for (const dimensions of [1, 256, 16_000]) {
      expect(queryScaleFor(dimensions) * 127 * dimensions).toBeLessThan(2 ** 31);
      const copy = createCopy(createArena(1_000_000), { dimensions, metric: "cosine", rowsMax: 4 });
      const ones = new Float32Array(dimensions).fill(1);
      copy.put("same", rowOf(ones), 0);
      copy.put("opposite", rowOf(ones.map((value) => -value)), 0);
      const found = await copy.search({ vector: ones, limit: 2, ...everything });
      expect(found?.map(({ id, similarity }) => [id, Math.round(similarity * 1e4) / 1e4])).toEqual([
        ["same", 1],
        ["opposite", -1],
      ]);
    }
  });

  it.each(["cosine", "ip", "l2"] as const)(
    "finds by %s what a plain list finds, of rows of any length, after rows came and went",
    async (metric) => {
      for (const size of [1, 1e-30, 1e12, 1e25]) {
        const dimensions = 40;
        const copy = createCopy(createArena(4_000_000), { dimensions, metric, rowsMax: 5_000 });
        const list = new Map<string, Float32Array>();
        const sized = (share: number) => vectorOf(dimensions).map((value) => value * size * share);
        for (let at = 0; at < 1_200; at += 1) {
          const id = `r${at % 1_000}`;
          const row = rowOf(sized(at % 5 === 0 ? 1e-3 : 1));
          copy.put(id, row, 0);
          list.set(id, unround(row));
          if (at % 7 === 3) {
            copy.remove(`r${at - 3}`);
            list.delete(`r${at - 3}`);
          }
        }
        const vector = sized(1);
        const truth = [...list].map(([, one]) => similarityOf(metric, vector, one)).toSorted((a, b) => b - a);
        const found = await copy.search({ vector, limit: 20, ...everything });
        expect(found).toHaveLength(20);
        found?.forEach(({ id, similarity }, at) => {
          const own = similarityOf(metric, vector, list.get(id) as Float32Array);
          const scale = Math.abs(truth[at] as number) + (metric === "l2" ? 0 : Number.MIN_VALUE);
          expect(Math.abs(similarity - (truth[at] as number))).toBeLessThanOrEqual(2e-3 * scale);
          expect(Math.abs(own - (truth[at] as number))).toBeLessThanOrEqual(2e-3 * scale);
        });
      }
    },
  );

  it("holds the newest rows within its bound, and gives its memory back", async () => {
    const arena = createArena(3 * BLOCK_BYTES);
    const copy = createCopy(arena, { dimensions: 32, metric: "cosine", rowsMax: 5 });
    for (let at = 0; at < 12; at += 1) copy.put(`r${at % 9}`, rowOf(vectorOf(32)), 0);
    expect(copy.size).toBe(5);
    const found = await copy.search({ vector: vectorOf(32), limit: 20, ...everything });
    expect(found?.map(({ id }) => id).toSorted()).toEqual(["r0", "r1", "r2", "r7", "r8"]);
    copy.remove("r0");
    copy.remove("never");
    expect(copy.size).toBe(4);
    expect([arena.used(), arena.charged()]).toEqual([BLOCK_BYTES, copy.bytes()]);
    copy.clear();
    expect([copy.size, arena.used(), arena.charged()]).toEqual([0, 0, 0]);
  });

  it("says that there is no memory for a row, and never takes another's", async () => {
    const arena = createArena(2 * BLOCK_BYTES);
    const [one, other] = ["one", "other"].map(() =>
      createCopy(arena, { dimensions: 16_000, metric: "cosine", rowsMax: 1_000 }),
    ) as [ReturnType<typeof createCopy>, ReturnType<typeof createCopy>];
    const put = Array.from({ length: 10 }, (_, at) => one.put(`a${at}`, rowOf(vectorOf(16_000)), 0));
    expect(put).toEqual([true, true, true, true, true, true, true, true, false, false]);
    expect(other.put("b", rowOf(vectorOf(16_000)), 0)).toBe(false);
    expect([one.size, other.size]).toEqual([8, 0]);
    one.clear();
    expect(other.put("b", rowOf(vectorOf(16_000)), 0)).toBe(true);
    expect((await other.search({ vector: vectorOf(16_000), limit: 3, ...everything }))?.map(({ id }) => id)).toEqual([
      "b",
    ]);
  });

  it.each(["cosine", "ip", "l2"] as const)(
    "of the %s holds the newest that are left after any puts and removals, also of rows that were evicted",
    async (metric) => {
      const rowsMax = 6;
      const copy = createCopy(createArena(1_000_000), { dimensions: 8, metric, rowsMax });
      const list = new Map<string, { row: Row | undefined; vector: Float32Array; endsMs: number }>();
      for (let at = 0; at < 3_000; at += 1) {
        const id = `r${Math.floor((random() + 1) * 12)}`;
        if (random() < 0) {
          copy.remove(id);
          list.delete(id);
        } else {
          const row = at % 17 === 0 ? undefined : rowOf(vectorOf(8));
          const endsMs = at % 5 === 0 ? at + 4 : 0;
          list.delete(id);
          list.set(id, { row, vector: row ? unround(row) : new Float32Array(8), endsMs });
          copy.put(id, row, endsMs);
        }
        copy.tidy(at);
        for (const [one, { endsMs }] of list) if (endsMs > 0 && endsMs <= at) list.delete(one);
        const newest = [...list].slice(-rowsMax);
        expect(copy.size).toBe(newest.length);
        const vector = vectorOf(8);
        const found = (await copy.search({ vector, limit: 20, ...everything })) ?? [];
        expect(found.map(({ id: one }) => one).toSorted()).toEqual(
          newest
            .filter(([, { row }]) => row !== undefined)
            .map(([one]) => one)
            .toSorted(),
        );
        for (const { id: one, similarity } of found)
          expect(similarity).toBeCloseTo(similarityOf(metric, vector, list.get(one)?.vector as Float32Array), 2);
      }
    },
  );

  it("tells the distance of an l2 query of zeros", async () => {
    const copy = createCopy(createArena(1_000_000), { dimensions: 4, metric: "l2", rowsMax: 9 });
    for (const [id, vector] of Object.entries({ zero: [0, 0, 0, 0], half: [0.5, 0, 0, 0], one: [0, 1, 0, 0] }))
      copy.put(id, rowOf(Float32Array.from(vector)), 0);
    const found = await copy.search({ vector: new Float32Array(4), limit: 9, ...everything });
    expect(found?.map(({ id, similarity }) => [id, similarity.toFixed(4)])).toEqual([
      ["zero", "1.0000"],
      ["half", "0.6667"],
      ["one", "0.5000"],
    ]);
  });

  it("passes over what has ended and what a filter does not allow", async () => {
    const copy = createCopy(createArena(1_000_000), { dimensions: 3, metric: "cosine", rowsMax: 9 });
    const vector = Float32Array.of(1, 0, 0);
    copy.put("ended", rowOf(vector), 1_000);
    copy.put("lasting", rowOf(vector, { lang: "en" }), 3_000);
    copy.put("other", rowOf(vector, { lang: "de" }), 0);
    const ids = async (nowMs: number, lang?: string) =>
      (
        await copy.search({ vector, limit: 9, nowMs, allows: lang ? (given) => given["lang"] === lang : undefined })
      )?.map(({ id }) => id);
    expect(await ids(999)).toEqual(["ended", "lasting", "other"]);
    expect(await ids(1_000)).toEqual(["lasting", "other"]);
    expect(await ids(1_000, "de")).toEqual(["other"]);
  });

  it("gives others a turn while it compares with many, and says when it was cleared meanwhile", async () => {
    const copy = createCopy(createArena(100_000_000), { dimensions: 256, metric: "cosine", rowsMax: 200_000 });
    const row = rowOf(vectorOf(256));
    for (let at = 0; at < 120_000; at += 1) copy.put(`r${at}`, row, 0);
    let turns = 0;
    let over = false;
    const searching = copy.search({ vector: vectorOf(256), limit: 1, ...everything }).finally(() => (over = true));
    while (!over) {
      await turn();
      turns += 1;
    }
    expect(await searching).toHaveLength(1);
    expect(turns).toBeGreaterThan(1);
    const broken = copy.search({ vector: vectorOf(256), limit: 1, ...everything });
    copy.clear();
    expect(await broken).toBeUndefined();
  });
});

describe("a row as Redis keeps it", () => {
  it("comes back, and is nothing when something else stands there", () => {
    const vector = vectorOf(64);
    const row = decodeRow(encodeRow(vector, { lang: "ü", year: 3 }), 64);
    expect(row?.attributes).toEqual({ lang: "ü", year: 3 });
    for (const [at, value] of unround(row as NonNullable<typeof row>).entries())
      expect(value).toBeCloseTo(vector[at] as number, 1);
    for (const bytes of ["", "abc", "x".repeat(68), `${"\0".repeat(68)}[`, `${"\0".repeat(68)}null`])
      expect(decodeRow(Buffer.from(bytes), 64)).toBeUndefined();
  });
});
