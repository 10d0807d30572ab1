import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect } from "vitest";
import { inVectorSets, liveTest } from "../../test/live.ts";
import { createVectors, exportItems, importItems } from "./index.ts";

const options = {
  dimensions: 3,
  metric: "cosine",
  index: "hnsw",
  attributes: { lang: "tag", year: "number" },
} as const;

describe("an export", () => {
  liveTest.skipIf(!inVectorSets)("comes back whole, on another quantisation and metric too", async ({ tenant }) => {
    const docs = createVectors(tenant, { name: "docs", ...options, quantisation: "none" });
    await docs.upsert([
      { id: "a", vector: [1, 2, 3], attributes: { lang: "en\n", year: 2026 }, payload: { text: "line\nbreak" } },
      { id: "b", vector: [0.5, 0, 0], ttlMs: 60_000 },
    ]);
    const lines: string[] = [];
    for await (const line of exportItems(docs)) lines.push(line);
    expect(lines.every((line) => !line.includes("\n"))).toBe(true);
    const copies = [
      createVectors(tenant, { name: "copy", ...options }),
      createVectors(tenant, { name: "l2", ...options, metric: "l2", lengthMax: 4, quantisation: "none" }),
    ];
    for (const copy of copies) {
      expect(await importItems(copy, lines)).toEqual({ stored: 2, ended: 0, refused: [] });
      expect(await importItems(copy, lines)).toMatchObject({ stored: 2 });
      const [a, b] = await copy.get(["a", "b"], { withVectors: true });
      expect(a).toMatchObject({ attributes: { lang: "en\n", year: 2026 }, payload: { text: "line\nbreak" } });
      expect(b?.ttlMs).toBeGreaterThan(50_000);
      for (const [at, value] of [1, 2, 3].entries()) expect(a?.vector?.[at]).toBeCloseTo(value, 1);
    }
  });

  liveTest("is read line by line: a wrong one keeps no other, an ended one stays ended", async ({ tenant }) => {
    const docs = createVectors(tenant, { name: "docs", ...options });
    await docs.upsert([
      { id: "a", vector: [1, 2, 3] },
      { id: "b", vector: [3, 2, 1], ttlMs: 1_500 },
    ]);
    const lines: string[] = [];
    for await (const line of exportItems(docs)) lines.push(line);
    await sleep(1_550);
    const copy = createVectors(tenant, { name: "copy", ...options });
    const wrong = ["", "no json", '{"id":"x","vector":"AAAA"}', "null"];
    const report = await importItems(copy, [...wrong, ...lines]);
    expect(report).toMatchObject({ stored: 1, ended: 1 });
    expect(report.refused.map(({ line }) => line).toSorted((a, b) => a - b)).toEqual([2, 3, 4]);
    expect(report.refused.every(({ error }) => error.code === "invalid_input")).toBe(true);
    expect(await copy.count()).toBe(1);
  });
});
