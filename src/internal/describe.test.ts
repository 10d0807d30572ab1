import { describe as suite, expect, it } from "vitest";
import { wordOf } from "./describe.ts";

suite("a caller's word in an error message", () => {
  it.each<[unknown, string]>([
    ["input_text", "input_text"],
    ["x".repeat(100), "x".repeat(64)],
    [{ toString: 1, valueOf: 1 }, "an object"],
    [[1, 2], "an array of 2"],
    [undefined, "nothing"],
    [null, "null"],
    [7, "7"],
  ])("is bounded and never throws (%#)", (value, word) => {
    expect(wordOf(value)).toBe(word);
  });
});
