import type { Refused } from "./records.ts";
import type { Preset } from "../cache/index.ts";
import { toServerBytes } from "../size/index.ts";
import type { NearPair } from "./pairs.ts";
import type { Amounts, Tally } from "./tally.ts";

/** Results of a replay. */
export interface ReplayReport {
  readonly object: "replay.report";
  readonly version: string;
  readonly log: {
    readonly lines: number;
    readonly requests: number;
    readonly formats: Readonly<Record<string, number>>;
    readonly from: string | null;
    readonly to: string | null;
    /** Skipped lines, and the numbers of the first {@link NUMBERS_MAX}; never their content. */
    readonly broken: number;
    readonly broken_lines: readonly number[];
    readonly too_long: number;
    readonly other: number;
    /** Requests not played by reason, with the first line numbers of each. */
    readonly refused: Readonly<Partial<Record<Refused, { readonly count: number; readonly lines: readonly number[] }>>>;
    /** Requests without an answer in the log, and requests without a time (they get the previous request's time). */
    readonly without_answer: number;
    readonly without_time: number;
  };
  readonly embedder: string | null;
  readonly settings: readonly SettingReport[];
  readonly valuable: readonly PairReport[];
  readonly doubtful: readonly PairReport[];
  /** `failed`: calls without a verdict. */
  readonly judge: {
    readonly model: string;
    readonly asked: number;
    readonly failed: number;
    readonly cost: number;
  } | null;
}

/** Results of one setting of the cache. */
export interface SettingReport {
  readonly preset: Preset;
  readonly ttl_seconds: number;
  readonly requests: number;
  readonly hits: number;
  readonly hit_share: number;
  readonly exact: number;
  readonly similar: number;
  readonly uncacheable: number;
  readonly follow_ups: number;
  readonly saved: AmountsReport;
  readonly spent: AmountsReport;
  /** Fraction of the total cost that would have been saved. */
  readonly saved_share: number | null;
  readonly unpriced: number;
  readonly memory: {
    readonly entries_most: number;
    readonly bytes_each: number;
    readonly bytes: number;
    /** Memory that a server needs for them, with fragmentation and headroom as `marrow size` plans it. */
    readonly server_bytes: number;
    /** Whether the memory includes vectors. */
    readonly has_vectors: boolean;
  };
}

/** Sums of costs or savings. */
export interface AmountsReport {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly cost: number;
  readonly seconds: number;
}

/** A near pair, with its savings. */
export interface PairReport {
  readonly asked: string;
  readonly stored: string;
  readonly similarity: number;
  readonly served: readonly Preset[];
  readonly refused: string | null;
  /** Requests in which the two questions occurred: hits, if a preset served it. */
  readonly met: number;
  readonly saved: number;
  readonly verdict: "same" | "different" | "unsure" | null;
}

/** Most broken lines that a report names. */
export const NUMBERS_MAX = 100;
const SHOWN_CHARS_MAX = 500;

/** Totals of one setting, for its report. */
export interface SettingResult {
  readonly preset: Preset;
  readonly ttlMs: number;
  readonly tally: Tally;
  readonly bytesEach: number;
  readonly hasVectors: boolean;
}

/** Builds the report of a setting. Pure. */
export function toSettingReport({ preset, ttlMs, tally, bytesEach, hasVectors }: SettingResult): SettingReport {
  const { requests, exact, similar, saved, spent } = tally;
  const bytes = Math.round(tally.livePeak * bytesEach);
  const money = saved.micros + spent.micros;
  return {
    preset,
    ttl_seconds: ttlMs / 1_000,
    requests,
    hits: exact + similar,
    hit_share: requests === 0 ? 0 : (exact + similar) / requests,
    exact,
    similar,
    uncacheable: tally.uncacheable,
    follow_ups: tally.followUps,
    saved: toAmounts(saved),
    spent: toAmounts(spent),
    saved_share: money === 0 ? null : saved.micros / money,
    unpriced: tally.unpriced,
    memory: {
      entries_most: tally.livePeak,
      bytes_each: Math.round(bytesEach),
      bytes,
      server_bytes: toServerBytes(bytes),
      has_vectors: hasVectors,
    },
  };
}

function toAmounts({ promptTokens, completionTokens, micros, ms }: Amounts): AmountsReport {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    cost: micros / 1_000_000,
    seconds: ms / 1_000,
  };
}

/** Builds the report of a near pair. Pure. */
export function toPairReport({
  asked,
  stored,
  similarity,
  served,
  refused,
  hits,
  micros,
  verdict,
}: NearPair): PairReport {
  const cut = (text: string) =>
    text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX).toWellFormed()}…`;
  return {
    asked: cut(asked),
    stored: cut(stored),
    similarity: Number(similarity.toFixed(4)),
    served,
    refused: served.length > 0 ? null : (refused ?? null),
    met: hits,
    saved: micros / 1_000_000,
    verdict: verdict ?? null,
  };
}
