import type { AnswerCost } from "../cache/index.ts";
import type { Costs } from "../limiter/index.ts";
import type { ChatCompletion, ChatMessage, ChatRequest, Prices, Usage } from "../models/index.ts";
import { toCounted } from "./counted.ts";
import { estimateTokens } from "../internal/token-estimate.ts";
import { boundOf } from "./tokens.ts";

/** Cost of one model answer. */
export interface Spent {
  readonly user: string;
  /** Name of the call's key, as its caller passed it. */
  readonly key: string | undefined;
  readonly model: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Prompt tokens read from the provider's cache, if reported. */
  readonly cachedTokens?: number | undefined;
  /** Completion tokens spent on reasoning, if reported. */
  readonly reasoningTokens?: number | undefined;
  /** Millionths of the currency; `undefined` without a known price. */
  readonly micros: number | undefined;
}

/** Origin of an answer: a tier of the cache, a concurrent request, or the model. */
export type AnswerSource = "exact" | "alias" | "similar" | "judged" | "shared" | "miss";

/** An answer with its origin, and its cost (`miss`) or savings. */
export interface Answered {
  readonly user: string;
  readonly key: string | undefined;
  readonly model: string;
  readonly source: AnswerSource;
  /** Cost of the model's answer when it was made; `undefined` for a stored answer without it. */
  readonly cost: AnswerCost | undefined;
  /** Time from the request to its answer, in milliseconds. */
  readonly tookMs: number;
}

/** Settles a reservation if the model was not called, or failed. */
export const NOTHING_USED: Costs = { tokens: 0, cost: 0 };

/** Estimates the costs of a request in advance: text by script, media by kind, and the bound on the answer. A stream holds a slot. */
export function toEstimate(request: ChatRequest, prices: Prices | undefined): Costs {
  const [promptTokens, completionTokens] = [estimateTokens(request.messages), boundOf(request)];
  return {
    requests: 0,
    tokens: promptTokens + completionTokens,
    cost: prices?.costOf(request.model, { promptTokens, completionTokens }) ?? 0,
    concurrency: request.stream === true ? 1 : 0,
  };
}

/** Returns the costs of an answer by the model's own count, or an estimate from the texts. */
export function toUsed(
  request: ChatRequest,
  { usage, choices }: ChatCompletion,
  prices: Prices | undefined,
): Omit<Spent, "user" | "key"> & { readonly tokens: number } {
  const { totalTokens, cachedTokens, cacheWriteTokens, reasoningTokens, ...told } = toCounted(usage);
  const promptTokens = told.promptTokens ?? estimateTokens(request.messages);
  const completionTokens = told.completionTokens ?? estimateTokens(choices.map(({ message }) => message));
  const { model } = request;
  return {
    model,
    promptTokens,
    completionTokens,
    cachedTokens,
    reasoningTokens,
    tokens: Math.round(totalTokens ?? promptTokens + completionTokens),
    micros: prices?.costOf(model, { promptTokens, completionTokens, cachedTokens, cacheWriteTokens, reasoningTokens }),
  };
}

/** Estimates the usage of a stored answer whose endpoint reported none, because clients expect the field. */
export function toEstimatedUsage(request: ChatRequest, message: ChatMessage): Usage {
  const [prompt_tokens, completion_tokens] = [estimateTokens(request.messages), estimateTokens(message)];
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}
