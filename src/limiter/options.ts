import { checkInteger, checkNumber, checkOneOf, checkText, refuse } from "../internal/check.ts";
import { checkTimeZone, type Calendar } from "./calendar.ts";

/** Unit that a rule counts. `cost` is money in micro-units (millionths of the currency), `concurrency` is slots held now. */
export type Unit = "requests" | "tokens" | "cost" | "concurrency";

/**
 * Algorithm of a rule.
 *
 * - `slidingWindow`: two counters; assumes that the previous window's units were spread evenly.
 * - `slidingLog`: exact, one entry per take.
 * - `tokenBucket`: units return evenly, O(1), without a window.
 * - `fixedWindow`: all units return at once, at multiples of the window or by the calendar.
 */
export type Algorithm = "slidingWindow" | "slidingLog" | "tokenBucket" | "fixedWindow";

interface AnyRule {
  /** Name of the rule, included in refusals. */
  readonly id: string;
  /**
   * Subject that it counts for: a name that every `take` passes, such as `user`, `org`, `key` or `model`. `app` covers all callers of the
   * scope together.
   */
  readonly by: string;
}

/** At most `limit` units in a window. */
export interface WindowRule extends AnyRule {
  /** @default "requests" */
  readonly unit?: Exclude<Unit, "concurrency"> | undefined;
  /** @default "slidingWindow" */
  readonly algorithm?: "slidingWindow" | "slidingLog" | "fixedWindow" | undefined;
  /** Units per window, 0 (refuses all) to 2^40, a multiple of 0.001. At most 100,000 for a `slidingLog`, because each take is an entry. */
  readonly limit: number;
  /** Length of the window in milliseconds, 10 to 31 days. Fixed windows begin at multiples of it since 1970. */
  readonly windowMs: number;
}

/** At most `burst` units at once, and `limit` in each `windowMs` after that. */
export interface BucketRule extends AnyRule {
  /** @default "requests" */
  readonly unit?: Exclude<Unit, "concurrency"> | undefined;
  readonly algorithm: "tokenBucket";
  /** Units that return per `windowMs`, 0 to 2^40. */
  readonly limit: number;
  readonly windowMs: number;
  /** Units that a full bucket holds, up to 2^40. @default `limit` */
  readonly burst?: number | undefined;
}

/** At most `limit` units in an hour, day, week (from Monday) or month of the calendar. */
export interface CalendarRule extends AnyRule {
  /** @default "requests" */
  readonly unit?: Exclude<Unit, "concurrency"> | undefined;
  readonly algorithm: "fixedWindow";
  readonly limit: number;
  readonly calendar: Calendar;
  /** An IANA name such as `Europe/Berlin`. @default "UTC" */
  readonly timeZone?: string | undefined;
}

/** At most `limit` unsettled takes. */
export interface ConcurrencyRule extends AnyRule {
  readonly unit: "concurrency";
  readonly limit: number;
}

/** One limit, for each value of its subject. */
export type Rule = WindowRule | BucketRule | CalendarRule | ConcurrencyRule;

/** Options of `createLimiter`. */
export interface LimiterOptions {
  /** Name of this limiter within its scope. */
  readonly name: string;
  /** 1 to 16 rules; all are decided together. */
  readonly rules: readonly Rule[];
  /**
   * Decision while Redis is unavailable. `allow` counts nothing. `refuse` refuses. `local`: each process admits up to `localShare` of each
   * limit, and charges it in Redis later. There is no default: choose between unlimited calls and refused calls.
   */
  readonly onUnavailable: "allow" | "refuse" | "local";
  /**
   * Part of each limit that one process admits by itself while Redis is unavailable, over 0, to 1. With 1 / number of processes the limit
   * holds across all of them. @default 0.25
   */
  readonly localShare?: number | undefined;
  /** Longest wait for a decision, in milliseconds. @default 250 */
  readonly timeoutMs?: number | undefined;
  /**
   * Time after which slots and reservations of a dead process are returned, in milliseconds, 500 to one hour. A living process renews them.
   * @default 10_000
   */
  readonly leaseMs?: number | undefined;
  /** Longest time that unsettled slots and reservations are renewed, in milliseconds. @default 3_600_000 (one hour) */
  readonly holdMaxMs?: number | undefined;
  /**
   * Placement of subjects on a Redis Cluster.
   *
   * - `scope`: all subjects of a scope share a slot, and one script decides.
   * - `subject`: each subject has its own slot, for scopes that outgrow a node. Rules by several subjects are then taken one after the
   * other, and returned if a later one refuses.
   *
   * @default "scope"
   */
  readonly slots?: "scope" | "subject" | undefined;
}

/** Rules with all defaults filled. Limits and costs are thousandths of a unit. */
export interface ResolvedRule {
  readonly id: string;
  readonly by: string;
  readonly unit: Unit;
  readonly algorithm: Algorithm | "concurrency";
  readonly limit: number;
  /** 0 for slots; for a calendar rule its nominal length. */
  readonly windowMs: number;
  readonly burst: number;
  readonly calendar: { readonly period: Calendar; readonly timeZone: string } | undefined;
}

export interface ResolvedLimiterOptions {
  readonly name: string;
  readonly rules: readonly ResolvedRule[];
  readonly onUnavailable: "allow" | "refuse" | "local";
  readonly localShare: number;
  readonly timeoutMs: number;
  readonly leaseMs: number;
  readonly holdMaxMs: number;
  readonly slots: "scope" | "subject";
}

/** The subject that all callers of a scope share. `take` need not pass it. */
export const APP_SUBJECT = "app";

/** Longest window: 31 days. */
export const WINDOW_MS_MAX: number = 31 * 86_400_000;
/** Shortest window. */
const WINDOW_MS_MIN = 10;
/** Largest limit, and largest cost of one call, in any unit. */
export const COST_MAX: number = 2 ** 40;
/** Counted parts of a unit. */
export const SCALE = 1_000;
const LOG_LIMIT_MAX = 100_000;
const RULES_MAX = 16;
const PERIOD_MS: Readonly<Record<Calendar, number>> = {
  hour: 3_600_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
  month: 31 * 86_400_000,
};

/** Fills defaults and checks ranges. @throws MarrowError `invalid_option` */
export function resolveOptions(options: LimiterOptions): ResolvedLimiterOptions {
  const { rules } = options;
  if (!Array.isArray(rules) || rules.length < 1 || rules.length > RULES_MAX) {
    refuse("rules", `a list of 1 to ${RULES_MAX} rules`, rules);
  }
  const resolved = rules.map((rule: Rule, at) => resolveRule(rule, `rules[${at}]`));
  const ids = new Set(resolved.map(({ id }) => id));
  if (ids.size !== resolved.length) refuse("rules", "a list of rules with different ids", rules);
  const localShare = checkNumber("localShare", options.localShare ?? 0.25, { min: 0, max: 1 });
  if (localShare === 0) refuse("localShare", "over 0", localShare);
  return {
    name: checkText("name", options.name, 128),
    rules: resolved,
    onUnavailable: checkOneOf("onUnavailable", options.onUnavailable, ["allow", "refuse", "local"]),
    localShare,
    timeoutMs: checkInteger("timeoutMs", options.timeoutMs ?? 250, { min: 1, max: 60_000 }),
    leaseMs: checkInteger("leaseMs", options.leaseMs ?? 10_000, { min: 500, max: 3_600_000 }),
    holdMaxMs: checkInteger("holdMaxMs", options.holdMaxMs ?? 3_600_000, { min: 500, max: 7 * 86_400_000 }),
    slots: checkOneOf("slots", options.slots ?? "scope", ["scope", "subject"]),
  };
}

/** Converts units to thousandths. @throws MarrowError if they are not a multiple of 0.001 in the range */
export function toThousandths(
  path: string,
  units: unknown,
  max: number = COST_MAX,
  code: "invalid_option" | "invalid_input" = "invalid_input",
): number {
  if (Number.isInteger(units) && (units as number) >= 0 && (units as number) <= max) return (units as number) * SCALE;
  const checked = checkNumber(path, units, { min: 0, max }, code);
  const thousandths = Math.round(checked * SCALE);
  if (Math.abs(thousandths / SCALE - checked) > 1e-9 * Math.max(1, checked))
    refuse(path, "a multiple of 0.001", units, code);
  return thousandths;
}

function resolveRule(rule: Rule, path: string): ResolvedRule {
  const unit = checkOneOf(`${path}.unit`, rule.unit ?? "requests", ["requests", "tokens", "cost", "concurrency"]);
  const limit = toThousandths(`${path}.limit`, rule.limit, COST_MAX, "invalid_option");
  const named = { id: checkText(`${path}.id`, rule.id, 128), by: checkText(`${path}.by`, rule.by, 128), unit, limit };
  if (rule.unit === "concurrency") {
    for (const other of ["algorithm", "windowMs", "calendar"])
      if ((rule as unknown as Record<string, unknown>)[other] !== undefined)
        refuse(`${path}.${other}`, "absent in a rule of slots", (rule as unknown as Record<string, unknown>)[other]);
    return { ...named, algorithm: "concurrency", windowMs: 0, burst: limit, calendar: undefined };
  }
  const algorithms = ["slidingWindow", "slidingLog", "tokenBucket", "fixedWindow"] as const;
  const algorithm = checkOneOf(`${path}.algorithm`, rule.algorithm ?? "slidingWindow", algorithms);
  if ("calendar" in rule && rule.calendar !== undefined) {
    if (algorithm !== "fixedWindow") refuse(`${path}.algorithm`, '"fixedWindow" in a rule by the calendar', algorithm);
    const period = checkOneOf(`${path}.calendar`, rule.calendar, ["hour", "day", "week", "month"]);
    const timeZone = checkTimeZone(`${path}.timeZone`, rule.timeZone ?? "UTC");
    return { ...named, algorithm, windowMs: PERIOD_MS[period], burst: limit, calendar: { period, timeZone } };
  }
  const { windowMs: given } = rule as WindowRule;
  const windowMs = checkInteger(`${path}.windowMs`, given, { min: WINDOW_MS_MIN, max: WINDOW_MS_MAX });
  if (algorithm === "slidingLog" && limit > LOG_LIMIT_MAX * SCALE)
    refuse(`${path}.limit`, `at most ${LOG_LIMIT_MAX} in a sliding log`, rule.limit);
  const burst =
    algorithm === "tokenBucket" && (rule as BucketRule).burst !== undefined
      ? toThousandths(`${path}.burst`, (rule as BucketRule).burst, COST_MAX, "invalid_option")
      : limit;
  return { ...named, algorithm, windowMs, burst, calendar: undefined };
}
