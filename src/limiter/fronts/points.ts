import { MarrowError } from "../../errors.ts";
import { checkNumber } from "../../internal/check.ts";
import type { ScopedRedis } from "../../redis/index.ts";
import type { Limiter } from "../contract.ts";
import type { RuleState } from "../decision.ts";
import { createLimiter } from "../limiter.ts";

/** Options of {@link PointsLimiter}. */
export interface PointsLimiterOptions {
  readonly storeClient: ScopedRedis;
  /** Points in a duration. */
  readonly points: number;
  /** Seconds; fractions may be given. */
  readonly duration: number;
  /** Name of the limiter. @default "points" */
  readonly keyPrefix?: string | undefined;
  /** Seconds that a key is blocked once it asked for more than there is. @default 0 */
  readonly blockDuration?: number | undefined;
  /** How points come back. @default "fixedWindow" */
  readonly algorithm?: "fixedWindow" | "slidingWindow" | "slidingLog" | "tokenBucket" | undefined;
}

/** How a key stands. `consume` rejects with one when it refuses, and with an error when Redis is away. */
export class PointsResult {
  readonly remainingPoints: number;
  /** Milliseconds until points come back; -1 when the call never can be allowed. */
  readonly msBeforeNext: number;
  readonly consumedPoints: number;
  readonly isFirstInDuration: boolean;

  constructor(remainingPoints: number, msBeforeNext: number, consumedPoints: number, isFirstInDuration: boolean) {
    this.remainingPoints = remainingPoints;
    this.msBeforeNext = msBeforeNext;
    this.consumedPoints = consumedPoints;
    this.isFirstInDuration = isFirstInDuration;
  }

  toJSON(): object {
    const { remainingPoints, msBeforeNext, consumedPoints, isFirstInDuration } = this;
    return { remainingPoints, msBeforeNext, consumedPoints, isFirstInDuration };
  }

  toString(): string {
    return JSON.stringify(this.toJSON());
  }
}

const BY = "key";
/** `msBeforeNext` of what never will be allowed, being over the limit by itself. */
const NEVER_MS = -1;

/**
 * The limiter behind the shape that many programs call already: `consume`, `penalty`, `reward`, `block`, `get`, `delete`. What it refuses
 * is not charged, points may be fractions, and durations under a second are what they say.
 */
export class PointsLimiter {
  readonly points: number;
  readonly duration: number;
  readonly blockDuration: number;
  readonly #limiter: Limiter;

  constructor(options: PointsLimiterOptions) {
    const { storeClient, keyPrefix: name = "points", algorithm = "fixedWindow" } = options;
    this.points = options.points;
    this.duration = checkNumber("duration", options.duration, { min: 0.01 });
    this.blockDuration = checkNumber("blockDuration", options.blockDuration ?? 0, { min: 0 });
    const windowMs = Math.round(this.duration * 1_000);
    const rule = { id: "points", by: BY, algorithm: algorithm as "fixedWindow", limit: this.points, windowMs };
    this.#limiter = createLimiter(storeClient, { name, rules: [rule], onUnavailable: "refuse" });
  }

  /**
   * Takes points.
   * @throws PointsResult when there are too few (nothing is charged), MarrowError `unavailable` when Redis is away
   */
  async consume(key: string | number, points = 1): Promise<PointsResult> {
    const decision = await this.#limiter.take({ [BY]: String(key) }, { requests: points });
    if (decision.allowed) return toResult(decision.rules, undefined, points);
    if (decision.degraded) throw new MarrowError("unavailable", "Redis is away, so nothing was decided");
    if (this.blockDuration > 0 && decision.refusedBy !== "blocked") {
      await this.block(key, this.blockDuration);
      throw toResult(decision.rules, this.blockDuration * 1_000);
    }
    throw toResult(decision.rules, decision.retryAfterMs ?? NEVER_MS);
  }

  /** Charges points whether there are any left or not. */
  async penalty(key: string | number, points = 1): Promise<PointsResult> {
    await this.#limiter.charge({ [BY]: String(key) }, { requests: points });
    return this.#standing(key);
  }

  /** Gives points back. */
  async reward(key: string | number, points = 1): Promise<PointsResult> {
    await this.#limiter.refund({ [BY]: String(key) }, { requests: points });
    return this.#standing(key);
  }

  /** How a key stands, or `null` when nothing is counted for it. */
  async get(key: string | number): Promise<PointsResult | null> {
    const standing = await this.#standing(key);
    return standing.consumedPoints === 0 ? null : standing;
  }

  /** Refuses a key for some seconds. */
  async block(key: string | number, seconds: number): Promise<void> {
    await this.#limiter.block({ [BY]: String(key) }, { forMs: Math.max(1, Math.round(seconds * 1_000)) });
  }

  /** Forgets what a key used, and its block. */
  async delete(key: string | number): Promise<boolean> {
    // A blocked key does not tell what it used.
    await this.#limiter.unblock({ [BY]: String(key) });
    const counted = (await this.get(key)) !== null;
    await this.#limiter.reset({ [BY]: String(key) });
    return counted;
  }

  async #standing(key: string | number): Promise<PointsResult> {
    const { rules, ...standing } = await this.#limiter.peek({ [BY]: String(key) }, { requests: 0 });
    return toResult(rules, standing.allowed ? undefined : standing.retryAfterMs);
  }
}

function toResult(rules: readonly RuleState[], waitMs: number | undefined, taken?: number): PointsResult {
  const [rule] = rules;
  const consumed = rule === undefined ? 0 : rule.limit - rule.remaining;
  const first = taken !== undefined && taken === consumed;
  return new PointsResult(rule?.remaining ?? 0, waitMs ?? rule?.resetMs ?? 0, consumed, first);
}
