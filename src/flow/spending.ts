import type { Costs } from "../limiter/index.ts";
import type { ChatCompletion, ChatRequest, Prices } from "../models/index.ts";
import { boundOf, estimateText } from "./tokens.ts";

/** What one answer of a model cost. */
export interface Spent {
  readonly user: string;
  /** The key that the call came with, as its caller named it. */
  readonly key: string | undefined;
  readonly model: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Millionths of the currency; `undefined` when nobody knows the model's price. */
  readonly micros: number | undefined;
}

/** What is taken back when the model was not asked, or failed. */
export const NOTHING_USED: Costs = { tokens: 0, cost: 0 };

/** What a request may use before anybody knows: its text, and the answer's bound. A stream holds a slot. */
export function toEstimate(request: ChatRequest, prices: Prices | undefined): Costs {
  const [promptTokens, completionTokens] = [estimateText(request.messages), boundOf(request)];
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
  const count = (value: unknown) =>
    typeof value === "number" && value >= 0 && Number.isFinite(value) ? value : undefined;
  const promptTokens = count(usage?.prompt_tokens) ?? estimateText(request.messages);
  const completionTokens = count(usage?.completion_tokens) ?? estimateText(choices);
  const { model } = request;
  return {
    model,
    promptTokens,
    completionTokens,
    tokens: Math.round(count(usage?.total_tokens) ?? promptTokens + completionTokens),
    micros: prices?.costOf(model, { promptTokens, completionTokens }),
  };
}
