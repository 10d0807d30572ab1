import type { Answered, AnswerSource } from "../../flow/index.ts";
import { encodeKeyPart, keyTag, type Redis } from "../../redis/index.ts";
import { createDaySums, OTHER, type Amounts, type DaySumsOptions } from "./day-sums.ts";

/** Grouping of savings. */
export type SavingsBy = "scope" | "key" | "user" | "model" | "tier";

/** Where answers come from, as reports name them: the tiers of the cache, a request that asked the same just then, the model. */
export const SOURCES: readonly AnswerSource[] = ["exact", "alias", "similar", "judged", "shared", "miss"];

/** Answers under one name, and what those of the cache saved. */
export interface SavingsRow {
  readonly name: string;
  /** All answers, those of the model too. */
  readonly answers: number;
  /** Answers for which no model was asked. */
  readonly hits: number;
  readonly bySource: Readonly<Record<AnswerSource, number>>;
  /** Hits with unknown savings, because their entries were stored without a cost. */
  readonly unknown: number;
  readonly saved: Saved;
  /** The same sums for the model's answers: the spending. */
  readonly spent: Saved;
  /** Total duration of all hits' requests, and of those with model calls, in milliseconds. */
  readonly hitMs: number;
  readonly missMs: number;
}

/** Sums of costs or savings. */
export interface Saved {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  readonly reasoningTokens: number;
  /** Millionths of the currency. */
  readonly micros: number;
  readonly ms: number;
}

/** Savings of the cache, by day in UTC. */
export interface Savings {
  /** Notes an answer; it is written a moment later, with others: a hit makes no round trip for it. */
  note(scope: string, answered: Answered): void;
  /** Writes the collected sums. */
  flush(): Promise<void>;
  /** Answers and savings of a scope (`by: "scope"`: of all scopes) from one day to another, what saved most first. */
  read(scope: string, by: SavingsBy, from: string, to: string): Promise<readonly SavingsRow[]>;
}

const SAVED = ["promptTokens", "completionTokens", "cachedTokens", "reasoningTokens", "micros", "ms"] as const;
const WHATS = ["answers", "unknown", ...SAVED, "tookMs"] as const;

type Sums = Amounts<(typeof WHATS)[number]>;

/**
 * Makes the savings, stored in a hash per scope and day, `{app:scope}:gateway:saved:<day>`, field = key, user, model, source and the sum's
 * name; and one for the whole installation, `{app}:gateway:saved:<day>`, by scope and source.
 */
export function createSavings(redis: Redis, options: DaySumsOptions, onError: (error: unknown) => void): Savings {
  const shared = { ...options, whats: WHATS, onError };
  const scopes = createDaySums(redis, {
    ...shared,
    keyOf: (scope) => `${keyTag({ app: redis.app, scope })}:gateway:saved`,
    standIn: ([key = "", , model = "", source = ""]) => [key, OTHER, model, source],
  });
  const whole = createDaySums(redis, {
    ...shared,
    keyOf: () => `{${encodeKeyPart("app", redis.app)}}:gateway:saved`,
    standIn: ([, source = ""]) => [OTHER, source],
  });

  return {
    note(scope, answered) {
      const sums = toSums(answered);
      const { key = "", user, model, source } = answered;
      scopes.add(scope, [key, user, model, source], sums);
      whole.add("", [scope, source], sums);
    },

    async flush() {
      await Promise.all([scopes.flush(), whole.flush()]);
    },

    async read(scope, by, from, to) {
      const isWhole = by === "scope";
      const found = isWhole ? whole.read("", from, to, [0, 1]) : scopes.read(scope, from, to, [PLACES[by], 3]);
      const rows = new Map<string, MutableRow>();
      for (const { names, sums } of await found) {
        const [name = "", source] = names;
        const row = rows.get(name) ?? newRow(name);
        rows.set(name, row);
        addTo(row, source as AnswerSource, sums);
      }
      return [...rows.values()].toSorted(
        (one, other) => other.saved.micros - one.saved.micros || other.answers - one.answers,
      );
    },
  };
}

const PLACES = { key: 0, user: 1, model: 2, tier: 3 } as const;

function toSums({ cost, tookMs }: Answered): Sums {
  const whole = (value = 0) => Math.max(0, Math.round(value));
  return {
    answers: 1,
    unknown: cost === undefined ? 1 : 0,
    promptTokens: whole(cost?.promptTokens),
    completionTokens: whole(cost?.completionTokens),
    cachedTokens: whole(cost?.cachedTokens),
    reasoningTokens: whole(cost?.reasoningTokens),
    micros: whole(cost?.micros),
    ms: whole(cost?.tookMs),
    tookMs: whole(tookMs),
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type MutableRow = Mutable<Omit<SavingsRow, "bySource" | "saved" | "spent">> & {
  readonly bySource: Mutable<SavingsRow["bySource"]>;
  readonly saved: Mutable<Saved>;
  readonly spent: Mutable<Saved>;
};

function newRow(name: string): MutableRow {
  const nothing = () => ({
    promptTokens: 0,
    completionTokens: 0,
    cachedTokens: 0,
    reasoningTokens: 0,
    micros: 0,
    ms: 0,
  });
  const bySource = { exact: 0, alias: 0, similar: 0, judged: 0, shared: 0, miss: 0 };
  return { name, answers: 0, hits: 0, bySource, unknown: 0, saved: nothing(), spent: nothing(), hitMs: 0, missMs: 0 };
}

/** Adds sums in the order of {@link WHATS}. */
function addTo(row: MutableRow, source: AnswerSource, sums: readonly number[]): void {
  const [answers = 0, unknown = 0, promptTokens = 0, completionTokens = 0, cachedTokens = 0, ...rest] = sums;
  const [reasoningTokens = 0, micros = 0, ms = 0, tookMs = 0] = rest;
  const isHit = source !== "miss";
  row.answers += answers;
  if (SOURCES.includes(source)) row.bySource[source] += answers;
  if (isHit) {
    row.hits += answers;
    row.unknown += unknown;
    row.hitMs += tookMs;
  } else row.missMs += tookMs;
  const into = isHit ? row.saved : row.spent;
  into.promptTokens += promptTokens;
  into.completionTokens += completionTokens;
  into.cachedTokens += cachedTokens;
  into.reasoningTokens += reasoningTokens;
  into.micros += micros;
  into.ms += ms;
}
