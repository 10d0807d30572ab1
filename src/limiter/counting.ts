import type { ResolvedRule } from "./options.ts";
import type { Period } from "./calendar.ts";

/** Count of one rule for one subject, in thousandths of a unit. The numbers mean different things for each algorithm. */
export interface RuleCount {
  /** Number of the window, start of the window (ms), or time of the bucket's last update (ms). */
  readonly a: number;
  /** Units of this window, of a log, in a bucket and not leaked, or of slots that are held. */
  readonly b: number;
  /** Units of the previous window. */
  readonly c: number;
  /** Entries of a log, oldest first. */
  readonly log: readonly LogEntry[];
}

/** One take in a log. */
export interface LogEntry {
  readonly atMs: number;
  readonly units: number;
}

/** An empty count. */
export const NOTHING: RuleCount = { a: 0, b: 0, c: 0, log: [] };

/** One rule of a take: its cost, and for a calendar rule its period. */
export interface Asked {
  readonly rule: ResolvedRule;
  readonly cost: number;
  readonly count: RuleCount;
  readonly period?: Period | undefined;
}

/** Outcome of a take for one rule. */
export interface Answered {
  readonly count: RuleCount;
  /** Units counted now, rounded up. */
  readonly used: number;
  /** Milliseconds until the cost fits: 0 if it does, Infinity if it never will. */
  readonly waitMs: number;
}

/** Retry delay for a full slot limit: it is not predictable when a slot is released. */
const FULL_WAIT_MS = 1_000;

/**
 * Decides a take for one rule, with the arithmetic of `take_units.lua`. Pure. Used while Redis is unavailable, and as the script's
 * reference in tests. A count ahead of the clock, which a fail-over can set back, stays valid.
 */
export function answer({ rule, cost, count: stored, period }: Asked, nowMs: number): Answered {
  const count = turn(rule, stored, period, nowMs);
  const used = usedOf(rule, count, nowMs);
  return { count, used, waitMs: used + cost <= roomOf(rule) ? 0 : waitOf(rule, cost, count, used, period, nowMs) };
}

/** Returns the count after a cost was taken. */
export function charge({ algorithm }: ResolvedRule, count: RuleCount, cost: number, nowMs: number): RuleCount {
  if (cost === 0) return count;
  if (algorithm !== "slidingLog") return { ...count, b: count.b + cost };
  // A clock that went back puts an entry before others.
  const log = [...count.log, { atMs: nowMs, units: cost }].toSorted((one, other) => one.atMs - other.atMs);
  return { ...count, b: count.b + cost, log };
}

/** Returns the units that may be counted at once. */
export function roomOf({ algorithm, limit, burst }: ResolvedRule): number {
  return algorithm === "tokenBucket" ? burst : limit;
}

function turn(rule: ResolvedRule, count: RuleCount, period: Period | undefined, nowMs: number): RuleCount {
  const { algorithm, windowMs, limit } = rule;
  const { a, b, c, log } = count;
  switch (algorithm) {
    case "slidingWindow": {
      const window = Math.floor(nowMs / windowMs);
      return a >= window ? count : { a: window, b: 0, c: a === window - 1 ? b : 0, log };
    }
    case "fixedWindow": {
      const start = period?.fromMs ?? nowMs - (nowMs % windowMs);
      return a >= start ? count : { a: start, b: 0, c, log };
    }
    case "tokenBucket":
      return nowMs <= a ? count : { a: nowMs, b: Math.max(0, b - ((nowMs - a) * limit) / windowMs), c, log };
    case "slidingLog": {
      const kept = log.filter(({ atMs }) => atMs > nowMs - windowMs);
      if (kept.length === log.length) return count;
      return { a, b: kept.reduce((sum, { units }) => sum + units, 0), c, log: kept };
    }
    default:
      return count;
  }
}

function usedOf({ algorithm, windowMs }: ResolvedRule, { a, b, c }: RuleCount, nowMs: number): number {
  if (algorithm === "tokenBucket") return Math.ceil(b);
  if (algorithm !== "slidingWindow") return b;
  const elapsedMs = Math.max(0, nowMs - a * windowMs);
  return b + Math.ceil((c * (windowMs - elapsedMs)) / windowMs);
}

function waitOf(
  rule: ResolvedRule,
  cost: number,
  { a, b, c, log }: RuleCount,
  used: number,
  period: Period | undefined,
  nowMs: number,
): number {
  const { algorithm, windowMs, limit } = rule;
  const room = roomOf(rule);
  if (cost > room) return Infinity;
  const atLeast = (ms: number) => Math.max(1, ms);
  switch (algorithm) {
    case "slidingWindow": {
      const elapsedMs = Math.max(0, nowMs - a * windowMs);
      if (b + cost <= limit) return atLeast(Math.ceil((windowMs * (c - (limit - b - cost))) / c) - elapsedMs);
      return atLeast(windowMs - elapsedMs + Math.ceil((windowMs * (b - (limit - cost))) / b));
    }
    case "fixedWindow":
      return atLeast((period?.untilMs ?? a + windowMs) - nowMs);
    case "tokenBucket":
      return limit === 0 ? Infinity : atLeast(Math.ceil(((b + cost - room) * windowMs) / limit));
    case "slidingLog": {
      let needed = used + cost - room;
      for (const { atMs, units } of log) {
        needed -= units;
        if (needed <= 0) return atLeast(atMs + windowMs - nowMs);
      }
      return windowMs;
    }
    default:
      return FULL_WAIT_MS;
  }
}
