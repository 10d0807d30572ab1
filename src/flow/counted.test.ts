import { describe, expect, it } from "vitest";
import type { Usage } from "../models/index.ts";
import { toCounted } from "./counted.ts";

describe("what an endpoint counted", () => {
  it.each<[string, object, object]>([
    [
      "OpenAI",
      {
        prompt_tokens: 10,
        completion_tokens: 8,
        total_tokens: 18,
        prompt_tokens_details: { cached_tokens: 4 },
        completion_tokens_details: { reasoning_tokens: 3 },
      },
      { promptTokens: 10, completionTokens: 8, cachedTokens: 4, reasoningTokens: 3 },
    ],
    [
      "DeepSeek: what its cache knew beside the prompt",
      {
        prompt_tokens: 10,
        completion_tokens: 8,
        total_tokens: 18,
        prompt_cache_hit_tokens: 6,
        prompt_cache_miss_tokens: 4,
      },
      { cachedTokens: 6, completionTokens: 8 },
    ],
    [
      "Moonshot: cached tokens beside the others",
      { prompt_tokens: 10, completion_tokens: 8, total_tokens: 18, cached_tokens: 5 },
      { cachedTokens: 5, completionTokens: 8 },
    ],
    [
      "Gemini: thoughts in the total alone",
      { prompt_tokens: 10, completion_tokens: 8, total_tokens: 218 },
      { completionTokens: 208, reasoningTokens: 200 },
    ],
    [
      "xAI: thoughts beside the answer",
      {
        prompt_tokens: 10,
        completion_tokens: 8,
        total_tokens: 318,
        prompt_tokens_details: { cached_tokens: 2 },
        completion_tokens_details: { reasoning_tokens: 300 },
      },
      { completionTokens: 308, reasoningTokens: 300, cachedTokens: 2 },
    ],
    [
      "a proxy: the words of the Responses API",
      { input_tokens: 10, output_tokens: 8 },
      { promptTokens: 10, completionTokens: 8 },
    ],
    [
      "a total that cached tokens may explain",
      { prompt_tokens: 10, completion_tokens: 8, total_tokens: 518, prompt_tokens_details: { cached_tokens: 500 } },
      { completionTokens: 8, reasoningTokens: undefined },
    ],
    [
      "rubbish",
      { prompt_tokens: -1, completion_tokens: "9", total_tokens: Infinity },
      { promptTokens: undefined, completionTokens: undefined },
    ],
    [
      "numbers that are no counts",
      {
        prompt_tokens: 10.5,
        completion_tokens: 1e300,
        total_tokens: 1_000_000_001,
        prompt_tokens_details: { cached_tokens: 0.5 },
        completion_tokens_details: { reasoning_tokens: -1 },
      },
      {
        promptTokens: undefined,
        completionTokens: undefined,
        totalTokens: undefined,
        cachedTokens: undefined,
        reasoningTokens: undefined,
      },
    ],
    ["nothing", {}, { totalTokens: undefined }],
  ])("is read as its maker tells it: %s", (_, usage, counted) => {
    expect(toCounted(usage as Usage)).toMatchObject(counted);
  });
});
