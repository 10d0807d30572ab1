import { describe, expect, it } from "vitest";
import { diversify, fuse, rankByWords } from "./ranking.ts";

const list = (...ids: string[]) => ids.map((id) => ({ id }));

describe("fusing two orders", () => {
  it("puts first what both have, by their ranks alone", () => {
    const fused = fuse([list("a", "b", "c"), list("c", "d")]);
    expect(fused.map(({ id }) => id)).toEqual(["c", "a", "b", "d"]);
    expect(fused[0]?.score).toBeCloseTo(1 / 63 + 1 / 61);
  });
  it("leaves one order as it is", () => {
    expect(fuse([list("a", "b"), []]).map(({ id }) => id)).toEqual(["a", "b"]);
  });
});

describe("ranking by words", () => {
  const texts = ["the cat sat", "the dog and the cat", "Das Straßenschild", "nothing"];
  const rank = (query: string) => rankByWords(texts, (text) => text, query);
  it("puts rare words before common ones, and short texts before long ones", async () => {
    expect(await rank("the dog")).toEqual(["the dog and the cat", "the cat sat"]);
    expect(await rank("cat")).toEqual(["the cat sat", "the dog and the cat"]);
  });
  it("knows letters of every language, and finds nothing for nothing", async () => {
    expect(await rank("STRASSENSCHILD straßenschild")).toEqual(["Das Straßenschild"]);
    expect([await rank("?!"), await rankByWords([], () => "", "x")]).toEqual([[], []]);
  });
});

describe("choosing unlike items", () => {
  const items = [
    { id: "a", vector: Float32Array.of(1, 0) },
    { id: "a again", vector: Float32Array.of(1, 0.01) },
    { id: "b", vector: Float32Array.of(0, 1) },
  ];
  it("takes the best, then what is unlike it", () => {
    expect(diversify(items, 0.7, 2).map(({ id }) => id)).toEqual(["a", "b"]);
    expect(diversify(items, 0, 2).map(({ id }) => id)).toEqual(["a", "a again"]);
  });
  it("gives each item once, and no more than there are", () => {
    expect(
      diversify(items, 1, 10)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(["a", "a again", "b"]);
    expect(diversify([], 0.5, 3)).toEqual([]);
  });
});
