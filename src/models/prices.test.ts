import { describe, expect, it } from "vitest";
import { createPrices, fromLitellmPrices, readPrices } from "./index.ts";

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

  it("are known for the models of today, with their source and date", () => {
    for (const model of ["gpt-5.6-terra", "gpt-5.4", "claude-haiku-4-5", "claude-sonnet-4-5", "gemini-3-flash"])
      expect(createPrices().costOf(model, used)).toBeGreaterThan(0);
    expect(readPrices()).toMatchObject({
      asOf: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) as string,
      source: expect.any(String) as string,
    });
  });

  it("tell cached, written and thought tokens apart, and never count a part for more than the whole", () => {
    const prices = createPrices({ m: { input: 10, output: 20, cachedInput: 1, cacheWrite: 12, reasoning: 30 } });
    const cost = (more: object) => prices.costOf("m", { promptTokens: 100, completionTokens: 10, ...more });
    expect(cost({})).toBe(1_200);
    expect(cost({ cachedTokens: 60, cacheWriteTokens: 20, reasoningTokens: 4 })).toBe(
      20 * 10 + 60 + 20 * 12 + 6 * 20 + 4 * 30,
    );
    expect(cost({ cachedTokens: 5_000, cacheWriteTokens: 5_000, reasoningTokens: 5_000 })).toBe(100 + 300);
    expect(createPrices().costOf("gpt-4o", { ...used, cachedTokens: 1_000 })).toBe(1_250 + 5_000);
  });

  it("of a model without one are the dearest, where that is wanted", () => {
    const prices = createPrices({ a: { input: 999_999, output: 1 } }, { onUnpriced: "dearest" });
    expect(prices.costOf("nobody", { promptTokens: 1, completionTokens: 0 })).toBe(999_999);
  });

  it("are read from LiteLLM's public format, and nothing else is", () => {
    const file = fromLitellmPrices(
      JSON.stringify({
        sample_spec: { input_cost_per_token: 0 },
        "gpt-x": {
          input_cost_per_token: 1.25e-6,
          output_cost_per_token: 1e-5,
          cache_read_input_token_cost: 1.25e-7,
          mode: "chat",
        },
        "x/think": { input_cost_per_token: 1e-6, output_cost_per_token: 2e-6, output_cost_per_reasoning_token: 3e-6 },
        picture: { output_cost_per_image: 0.04, mode: "image_generation" },
      }),
      "2026-11-01",
    );
    expect(file).toMatchObject({
      asOf: "2026-11-01",
      perMillionTokens: { "gpt-x": { input: 1.25, output: 10, cachedInput: 0.125 } },
    });
    expect(Object.keys(file.perMillionTokens)).toEqual(["gpt-x", "x/think"]);
    expect(createPrices({}, { file }).costOf("think", used)).toBeUndefined();
    expect(createPrices({}, { file }).costOf("x/think", { ...used, reasoningTokens: 500 })).toBe(2_500);
    for (const wrong of [
      "",
      "[]",
      "{}",
      "null",
      '{"a":{"mode":"chat"}}',
      '{"a":{"input_cost_per_token":-1}}',
      '{"a":{"input_cost_per_token":9}}',
    ])
      expect(() => fromLitellmPrices(wrong, "2026-11-01")).toThrow(expect.objectContaining({ code: "invalid_input" }));
  });

  it("of yours stand over those of the table, and are rounded up", () => {
    const prices = createPrices({ "gpt-4o": { input: 0, output: 0.001 }, house: { input: 0.1, output: 0 } });
    expect(prices.costOf("gpt-4o", used)).toBe(1);
    expect(prices.costOf("house", used)).toBe(100);
  });

  it.each([
    { house: { input: -1, output: 0 } },
    { house: { input: 1 } },
    { house: null },
    { house: { input: 1, output: 1, cachedInput: "1" } },
  ])("refuse %j", (own) => {
    expect(() => createPrices(own as never)).toThrow(expect.objectContaining({ code: "invalid_option" }));
  });
});
