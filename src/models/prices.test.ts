import { describe, expect, it } from "vitest";
import { createPrices } from "./index.ts";

const used = { promptTokens: 1_000, completionTokens: 500 };

describe("prices", () => {
  it.each([
    ["gpt-4o", 7_500],
    ["gpt-4o-2024-08-06", 7_500],
    ["openai/gpt-4o", 7_500],
    ["claude-sonnet-4-20250514", 10_500],
    ["demo", 0],
    ["nobody", undefined],
    ["gpt-4o-audio", undefined],
  ])("of %s make %s millionths", (model, micros) => {
    expect(createPrices().costOf(model, used)).toBe(micros);
  });

  it("of yours stand over those of the table, and are rounded up", () => {
    const prices = createPrices({ "gpt-4o": { input: 0, output: 0.001 }, house: { input: 0.1, output: 0 } });
    expect(prices.costOf("gpt-4o", used)).toBe(1);
    expect(prices.costOf("house", used)).toBe(100);
  });

  it.each([{ house: { input: -1, output: 0 } }, { house: { input: 1 } }, { house: null }])("refuse %j", (own) => {
    expect(() => createPrices(own as never)).toThrow(expect.objectContaining({ code: "invalid_option" }));
  });
});
