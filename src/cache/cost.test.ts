import { describe, expect, it } from "vitest";
import { fromStoredCost, toStoredCost } from "./cost.ts";

const cost = { promptTokens: 12, completionTokens: 34, cachedTokens: 5, reasoningTokens: 6, micros: 78, tookMs: 90.4 };

describe("what an answer cost", () => {
  it("is read as it was written, in whole numbers; a price that nobody knew stays unknown", () => {
    expect(fromStoredCost(toStoredCost(cost))).toEqual({ ...cost, tookMs: 90 });
    const bare = { promptTokens: 1, completionTokens: 2, micros: undefined, tookMs: 3 };
    expect(fromStoredCost(JSON.parse(JSON.stringify(toStoredCost(bare))))).toEqual({
      ...bare,
      cachedTokens: 0,
      reasoningTokens: 0,
    });
  });

  it.each([
    undefined,
    null,
    5,
    "x",
    {},
    [],
    [1, 2, 3],
    [1, 2, 3, 4, 5, -6],
    [1, 2, 3, "4", 5, 6],
    [1, null, 3, 4, 5, 6],
  ])("is unknown where %j stands in its place", (stored) => expect(fromStoredCost(stored)).toBeUndefined());
});
