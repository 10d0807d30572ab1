/** Cost of the model call that made an answer: every hit saves it. */
export interface AnswerCost {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Prompt tokens read from the provider's cache. @default 0 */
  readonly cachedTokens?: number | undefined;
  /** Completion tokens spent on reasoning. @default 0 */
  readonly reasoningTokens?: number | undefined;
  /** Millionths of the currency, at the prices of that day; `undefined` without a known price. */
  readonly micros: number | undefined;
  /** Duration of the call, in milliseconds. */
  readonly tookMs: number;
}

/** A cost as stored: prompt, completion, cached and reasoning tokens, millionths or null, milliseconds. */
export type StoredCost = readonly [number, number, number, number, number | null, number];

/** Rounds a cost to whole numbers for storage. */
export function toStoredCost(cost: AnswerCost): StoredCost {
  const { promptTokens, completionTokens, cachedTokens = 0, reasoningTokens = 0, micros, tookMs } = cost;
  const whole = (value: number) => Math.max(0, Math.round(value));
  return [
    whole(promptTokens),
    whole(completionTokens),
    whole(cachedTokens),
    whole(reasoningTokens),
    micros === undefined ? null : whole(micros),
    whole(tookMs),
  ];
}

/** Reads the cost of an entry; `undefined` if an earlier build stored none or another form. */
export function fromStoredCost(stored: unknown): AnswerCost | undefined {
  if (!Array.isArray(stored) || stored.length < 6) return undefined;
  const [promptTokens, completionTokens, cachedTokens, reasoningTokens, micros, tookMs] = stored as unknown[];
  const numbers = [promptTokens, completionTokens, cachedTokens, reasoningTokens, micros ?? 0, tookMs];
  if (!numbers.every((one) => typeof one === "number" && one >= 0 && Number.isFinite(one))) return undefined;
  const read = stored as unknown as StoredCost;
  return {
    promptTokens: read[0],
    completionTokens: read[1],
    cachedTokens: read[2],
    reasoningTokens: read[3],
    micros: read[4] ?? undefined,
    tookMs: read[5],
  };
}
