import { describe, expect, it } from "vitest";
import { createRecallWatch, observe, UNSAMPLED } from "./recall.ts";

const hits = (...similarities: number[]) => similarities.map((similarity, at) => ({ id: `i${at}`, similarity }));
const other = (...similarities: number[]) => similarities.map((similarity, at) => ({ id: `o${at}`, similarity }));

describe("the recall of searches", () => {
  it("is the part of true neighbours that came, and those as near as the last of them", () => {
    const recallOf = (found: ReturnType<typeof hits>, truth: ReturnType<typeof hits>) =>
      observe(UNSAMPLED, found, truth, 0.9).recall;
    expect(recallOf(hits(0.9, 0.8), hits(0.9, 0.8))).toBe(1);
    expect(recallOf(other(0.5, 0.4), hits(0.9, 0.8))).toBe(0);
    expect(recallOf(other(0.8), hits(0.9, 0.8))).toBe(0.5);
    expect(recallOf([], [])).toBe(1);
  });

  it("raises the effort while it is under the target, a few samples at a time, up to a bound", () => {
    let state = UNSAMPLED;
    const efforts: number[] = [];
    for (let at = 0; at < 100; at += 1) {
      state = observe(state, [], hits(0.9), 0.9);
      efforts.push(state.effort);
    }
    expect(efforts.slice(0, 6)).toEqual([100, 100, 100, 100, 150, 150]);
    expect(Math.max(...efforts)).toBeLessThanOrEqual(10_000);
    for (let at = 0; at < 100; at += 1) state = observe(state, hits(0.9), hits(0.9), 0.9);
    expect(state.recall).toBeGreaterThan(0.99);
  });

  it("is sampled one search in so many, one check at a time, and a check that fails is told", async () => {
    const told: unknown[] = [];
    const watch = createRecallWatch({ target: 0.9, sampleEvery: 3, onSample: (report) => void told.push(report) });
    let asked = 0;
    for (let at = 0; at < 6; at += 1) {
      watch.searched(hits(0.9), async () => {
        asked += 1;
        if (asked === 2) throw new Error("away");
        return hits(0.9);
      });
      await new Promise(setImmediate);
    }
    expect(asked).toBe(2);
    expect(told).toEqual([{ recall: 1, samples: 1, effort: 100 }, expect.any(Error)]);
  });
});
