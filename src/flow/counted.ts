import type { Usage } from "../models/index.ts";
import { isObject, type Fields } from "../internal/fields.ts";
import { isTokenCount } from "../internal/token-count.ts";

/** Token counts of an answer as its endpoint reported them, as integers. Missing and invalid counts are absent. */
export interface Counted {
  readonly promptTokens?: number | undefined;
  /** Includes reasoning tokens. */
  readonly completionTokens?: number | undefined;
  readonly totalTokens?: number | undefined;
  readonly cachedTokens?: number | undefined;
  readonly cacheWriteTokens?: number | undefined;
  readonly reasoningTokens?: number | undefined;
}

/**
 * Reads the token counts of an answer in the formats of different providers. Pure.
 *
 * Cached tokens may be in the details of the prompt or beside it (DeepSeek, Moonshot); some use the names of OpenAI's Responses API.
 * Reasoning tokens that `completion_tokens` excludes (xAI, Gemini) are added to it, because they cost the same: they are the rest of the
 * total, unless cached tokens could explain it.
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
