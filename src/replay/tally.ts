import type { AnswerCost } from "../cache/index.ts";

/** Counts of one setting so far. Numbers only, because they are saved and restored. */
export interface Tally {
  readonly requests: number;
  /** Requests that no stored answer could serve, such as those for several answers. */
  readonly uncacheable: number;
  /** Follow-ups without context, for which nothing is looked up. */
  readonly followUps: number;
  readonly exact: number;
  readonly similar: number;
  readonly saved: Amounts;
  /** Cost of the requests that the model would still have answered. */
  readonly spent: Amounts;
  /** Hits and misses of models without a price. */
  readonly unpriced: number;
  readonly stored: number;
  /** Live entries now, and the most at one time. */
  readonly live: number;
  readonly livePeak: number;
}

/** Sums of costs or savings. */
export interface Amounts {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Millionths of the currency. */
  readonly micros: number;
  readonly ms: number;
}

const NOTHING: Amounts = { promptTokens: 0, completionTokens: 0, micros: 0, ms: 0 };

/** An empty tally. */
export const EMPTY: Tally = {
  requests: 0,
  uncacheable: 0,
  followUps: 0,
  exact: 0,
  similar: 0,
  saved: NOTHING,
  spent: NOTHING,
  unpriced: 0,
  stored: 0,
  live: 0,
  livePeak: 0,
};

/** Outcome of one request. */
export type Outcome =
  | { readonly kind: "exact" | "similar"; readonly cost: AnswerCost | undefined }
  | {
      readonly kind: "miss" | "uncacheable" | "follow_up";
      /** Absent if the log has no answer. */
      readonly cost: AnswerCost | undefined;
      readonly stored: boolean;
    };

/** Adds a request's outcome. Pure. */
export function count(tally: Tally, outcome: Outcome): Tally {
  const isHit = !("stored" in outcome);
  const stored = !isHit && outcome.stored ? 1 : 0;
  const live = tally.live + stored;
  const { cost } = outcome;
  return {
    ...tally,
    requests: tally.requests + 1,
    exact: tally.exact + (outcome.kind === "exact" ? 1 : 0),
    similar: tally.similar + (outcome.kind === "similar" ? 1 : 0),
    uncacheable: tally.uncacheable + (outcome.kind === "uncacheable" ? 1 : 0),
    followUps: tally.followUps + (outcome.kind === "follow_up" ? 1 : 0),
    saved: isHit ? plus(tally.saved, cost) : tally.saved,
    spent: isHit ? tally.spent : plus(tally.spent, cost),
    unpriced: tally.unpriced + (cost !== undefined && cost.micros === undefined ? 1 : 0),
    stored: tally.stored + stored,
    live,
    livePeak: Math.max(tally.livePeak, live),
  };
}

/** Removes expired entries. Pure. */
export function end(tally: Tally, entries: number): Tally {
  return { ...tally, live: tally.live - entries };
}

function plus(sum: Amounts, cost: AnswerCost | undefined): Amounts {
  if (cost === undefined) return sum;
  return {
    promptTokens: sum.promptTokens + cost.promptTokens,
    completionTokens: sum.completionTokens + cost.completionTokens,
    micros: sum.micros + (cost.micros ?? 0),
    ms: sum.ms + cost.tookMs,
  };
}
