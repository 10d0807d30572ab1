import type { AnswerCost } from "../cache/index.ts";
import type { Costs } from "../limiter/index.ts";
import type { ChatCompletion, ChatMessage, ChatRequest, Prices, Usage } from "../models/index.ts";
import { toCounted } from "./counted.ts";
import { estimateTokens } from "../internal/token-estimate.ts";
import { boundOf } from "./tokens.ts";

/** What one answer of a model cost. */
export interface Spent {
  readonly user: string;
  /** The key that the call came with, as its caller named it. */
  readonly key: string | undefined;
  readonly model: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Of the prompt's tokens, those that the provider's cache knew; where its count tells. */
  readonly cachedTokens?: number | undefined;
  /** Of the answer's tokens, those that the model thought; where its count tells. */
  readonly reasoningTokens?: number | undefined;
  /** Millionths of the currency; `undefined` when nobody knows the model's price. */
  readonly micros: number | undefined;
}

/** Where an answer came from: a tier of the cache, a request that asked the same just then, or the model. */
export type AnswerSource = "exact" | "alias" | "similar" | "judged" | "shared" | "miss";

/** An answer: where it came from, and what it cost (`miss`) or saved. */
export interface Answered {
  readonly user: string;
  readonly key: string | undefined;
  readonly model: string;
  readonly source: AnswerSource;
  /** What the model's answer cost when it was made; `undefined` for a stored answer of a build that did not keep it. */
  readonly cost: AnswerCost | undefined;
  /** How long the request took until its answer was there, in milliseconds. */
  readonly tookMs: number;
}

/** What is taken back when the model was not asked, or failed. */
export const NOTHING_USED: Costs = { tokens: 0, cost: 0 };

/** What a request may use before anybody knows: its text by script, its media flat by kind, and the answer's bound. A stream holds a slot. */
export function toEstimate(request: ChatRequest, prices: Prices | undefined): Costs {
  const [promptTokens, completionTokens] = [estimateTokens(request.messages), boundOf(request)];
  return {
    requests: 0,
    tokens: promptTokens + completionTokens,
    cost: prices?.costOf(request.model, { promptTokens, completionTokens }) ?? 0,
    concurrency: request.stream === true ? 1 : 0,
  };
}

/** What an answer used: by the model's own count, else by an estimate of the texts. */
export function toUsed(
  request: ChatRequest,
  { usage, choices }: ChatCompletion,
  prices: Prices | undefined,
): Omit<Spent, "user" | "key"> & { readonly tokens: number } {
  const { totalTokens, cachedTokens, cacheWriteTokens, reasoningTokens, ...told } = toCounted(usage);
  const promptTokens = told.promptTokens ?? estimateTokens(request.messages);
  const completionTokens = told.completionTokens ?? estimateTokens(choices);
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

/** The usage of a stored answer whose endpoint counted nothing: clients read it without asking whether it is there. */
export function toEstimatedUsage(request: ChatRequest, message: ChatMessage): Usage {
  const [prompt_tokens, completion_tokens] = [estimateTokens(request.messages), estimateTokens(message)];
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}
