import type { Answered, AnswerSource } from "../../flow/index.ts";
import { encodeKeyPart, keyTag, type Redis } from "../../redis/index.ts";
import { createDaySums, type Amounts, type DaySumsOptions } from "./day-sums.ts";
import { OTHER, type Summing, type Sums } from "./summing.ts";

/** Grouping of savings. */
export type SavingsBy = "scope" | "key" | "user" | "model" | "tier";

/** Origins of answers in reports: the tiers of the cache, a concurrent request, the model. */
export const SOURCES: readonly AnswerSource[] = ["exact", "alias", "similar", "judged", "shared", "miss"];

/** Answers under one name, and the cache's savings. */
export interface SavingsRow {
  readonly name: string;
  /** All answers, including the model's. */
  readonly answers: number;
  /** Answers without a model call. */
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
  /** Records an answer; written a moment later with others, so that a hit costs no round trip. */
  note(scope: string, answered: Answered): void;
  /** Writes the collected sums. */
  flush(): Promise<void>;
  /** Returns answers and savings of a scope (`by: "scope"`: of all scopes) from one day to another, largest savings first. */
  read(scope: string, by: SavingsBy, from: string, to: string): Promise<Sums<SavingsRow>>;
}

const SAVED = ["promptTokens", "completionTokens", "cachedTokens", "reasoningTokens", "micros", "ms"] as const;
const WHATS = ["answers", "unknown", ...SAVED, "tookMs"] as const;

type Answer = Amounts<(typeof WHATS)[number]>;

/**
 * Makes the savings, stored in a hash per scope and day, `{app:scope}:gateway:saved:<day>`, field = key, user, model, source and the sum's
 * name; and one for the whole installation, `{app}:gateway:saved:<day>`, by scope and source.
 */
export function createSavings(redis: Redis, options: DaySumsOptions, onError: (error: unknown) => void): Savings {
  const shared = { ...options, whats: WHATS, onError };
  const scopes = createDaySums(redis, {
    ...shared,
    names: 4,
    keyOf: (scope) => `${keyTag({ app: redis.app, scope })}:gateway:saved`,
    standIn: ([key = "", , model = "", source = ""]) => [key, OTHER, model, source],
  });
  const whole = createDaySums(redis, {
    ...shared,
    names: 2,
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

    read(scope, by, from, to) {
      return by === "scope"
        ? whole.read("", from, to, summingBy(0, 1), toSavingsRow)
        : scopes.read(scope, from, to, summingBy(PLACES[by], 3), toSavingsRow);
    },
  };
}

const PLACES = { key: 0, user: 1, model: 2, tier: 3 } as const;

function toSums({ cost, tookMs }: Answered): Answer {
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

/** Indexes of the numbers of a sum: answers, hits, answers by source, hits with unknown savings, savings, spending, times. */
const AT = { answers: 0, hits: 1, bySource: 2, unknown: 8, saved: 9, spent: 15, hitMs: 21, missMs: 22 } as const;
const WIDTH = 23;
/** Indexes of the numbers of a row, in the order of {@link WHATS}. */
const FROM = { answers: 0, unknown: 1, saved: 2, tookMs: 8 } as const;

/** Sums by one name of the rows; `beside` is the index of the source. */
function summingBy(by: number, beside: number): Summing {
  return { by, beside, width: WIDTH, order: [AT.saved + SAVED.indexOf("micros"), AT.answers], add: addAnswers };
}

function addAnswers(into: Float64Array, at: number, sums: Float64Array, from: number, source: string): void {
  const place = SOURCES.indexOf(source as AnswerSource);
  const isHit = place !== MISS;
  const answers = sums[from + FROM.answers] as number;
  into[at + AT.answers] = (into[at + AT.answers] as number) + answers;
  if (place !== -1) into[at + AT.bySource + place] = (into[at + AT.bySource + place] as number) + answers;
  if (isHit) {
    into[at + AT.hits] = (into[at + AT.hits] as number) + answers;
    into[at + AT.unknown] = (into[at + AT.unknown] as number) + (sums[from + FROM.unknown] as number);
  }
  const took = at + (isHit ? AT.hitMs : AT.missMs);
  into[took] = (into[took] as number) + (sums[from + FROM.tookMs] as number);
  const worth = at + (isHit ? AT.saved : AT.spent);
  for (let nth = 0; nth < SAVED.length; nth += 1)
    into[worth + nth] = (into[worth + nth] as number) + (sums[from + FROM.saved + nth] as number);
}

const MISS = SOURCES.indexOf("miss");

function toSavingsRow(name: string, numbers: Float64Array): SavingsRow {
  const at = (place: number) => numbers[place] as number;
  const [exact, alias, similar, judged, shared, miss] = SOURCES.map((_, nth) => at(AT.bySource + nth)) as Six;
  return {
    name,
    answers: at(AT.answers),
    hits: at(AT.hits),
    bySource: { exact, alias, similar, judged, shared, miss },
    unknown: at(AT.unknown),
    saved: toSaved(numbers, AT.saved),
    spent: toSaved(numbers, AT.spent),
    hitMs: at(AT.hitMs),
    missMs: at(AT.missMs),
  };
}

type Six = [number, number, number, number, number, number];

function toSaved(numbers: Float64Array, from: number): Saved {
  const [promptTokens, completionTokens, cachedTokens, reasoningTokens, micros, ms] = numbers.subarray(
    from,
  ) as unknown as Six;
  return { promptTokens, completionTokens, cachedTokens, reasoningTokens, micros, ms };
}
