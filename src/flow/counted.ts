import type { Usage } from "../models/index.ts";
import { isObject, type Fields } from "../internal/fields.ts";
import { isTokenCount } from "../internal/token-count.ts";

/** What an endpoint counted of an answer: whole numbers. A count that it did not tell, or that is none, is absent. */
export interface Counted {
  readonly promptTokens?: number | undefined;
  /** Thoughts included. */
  readonly completionTokens?: number | undefined;
  readonly totalTokens?: number | undefined;
  readonly cachedTokens?: number | undefined;
  readonly cacheWriteTokens?: number | undefined;
  readonly reasoningTokens?: number | undefined;
}

/**
 * Reads the counts of an answer as their makers name them: cached tokens are told in the details of the prompt, or beside it (DeepSeek, Moonshot); some
 * name both counts as OpenAI's Responses API does. Thoughts that are no part of `completion_tokens` (xAI, Gemini) are added to them, for they cost as
 * much: they are what the total has beyond the other counts, where nothing was cached that might explain it. Pure.
 */
export function toCounted(usage: Usage | null | undefined): Counted {
  const told: Fields = usage ?? {};
  const [given, made] = [told["prompt_tokens_details"], told["completion_tokens_details"]].map((one) =>
    isObject(one) ? one : {},
  ) as [Fields, Fields];
  const [promptTokens, said] = [
    count(told["prompt_tokens"]) ?? count(told["input_tokens"]),
    count(told["completion_tokens"]) ?? count(told["output_tokens"]),
  ];
  const totalTokens = count(told["total_tokens"]);
  const cachedTokens =
    count(given["cached_tokens"]) ?? count(told["prompt_cache_hit_tokens"]) ?? count(told["cached_tokens"]);
  const reasoning = count(made["reasoning_tokens"]);
  const beside = Math.max(0, (totalTokens ?? 0) - (promptTokens ?? 0) - (said ?? 0));
  const isKnown = promptTokens !== undefined && said !== undefined;
  const isThought = reasoning === undefined ? cachedTokens === undefined : reasoning === beside;
  const hidden = isKnown && isThought ? beside : 0;
  return {
    promptTokens,
    completionTokens: said === undefined ? undefined : said + hidden,
    totalTokens,
    cachedTokens,
    cacheWriteTokens: count(given["cache_write_tokens"]),
    reasoningTokens: reasoning ?? (hidden > 0 ? hidden : undefined),
  };
}

function count(value: unknown): number | undefined {
  return isTokenCount(value) ? value : undefined;
}
