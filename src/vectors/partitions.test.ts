import { describe, expect, it } from "vitest";
import { partitionsFor } from "./capacity.ts";
import type { FoundItem, VectorDriver } from "./driver.ts";
import { partitionedDriver } from "./partitions.ts";

describe("the number of partitions", () => {
  it.each([
    [1, 256, "q8", 1],
    [1_000_000, 256, "q8", 1],
    [10_000_000, 256, "q8", 8],
    [1_000_000, 1_536, "none", 6],
    [10_000_000_000, 16_000, "none", 482_500],
  ] as const)("for %d items of %d numbers in %s is %d", (capacity, dimensions, quantisation, expected) => {
    expect(partitionsFor({ capacity, dimensions, quantisation })).toBe(expected);
  });
});

describe("a search of several partitions", () => {
  it("merges by similarity, and fails when one of them does", async () => {
    const found = (id: string, similarity: number): FoundItem => ({ id, similarity, record: Buffer.alloc(0) });
    const lists = new Map([
      ["n\u00000", [found("a", 0.9), found("b", 0.2)]],
      ["n\u00001", [found("c", 0.5), found("d", 0.4)]],
    ]);
    const search = async (namespace: string) => lists.get(namespace) ?? Promise.reject(new Error("away"));
    const asked = {
      vector: new Float32Array(1),
      limit: 3,
      filter: undefined,
      exact: false,
      effort: 1,
      withVectors: false,
    };
    const merged = await partitionedDriver({ search } as unknown as VectorDriver, 2).search("n", asked);
    expect(merged.map(({ id }) => id)).toEqual(["a", "c", "d"]);
    await expect(partitionedDriver({ search } as unknown as VectorDriver, 3).search("n", asked)).rejects.toThrow(
      "away",
    );
  });
});
