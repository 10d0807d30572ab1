import { MarrowError } from "../../errors.ts";
import { refuse } from "../../internal/check.ts";
import type { ScopedRedis } from "../../redis/index.ts";
import type { Limiter } from "../contract.ts";
import type { RuleState } from "../decision.ts";
import { createLimiter } from "../limiter.ts";
import type { Rule } from "../options.ts";

/** A duration such as `10 s`, `1m` or `500 ms`. */
export type Duration = `${number} ${"ms" | "s" | "m" | "h" | "d"}` | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/** A rule without its name, as returned by the static methods of {@link Ratelimit}. */
export type Window = (by: string) => Rule;

/** Options of {@link Ratelimit}. */
export interface RatelimitOptions {
  readonly redis: ScopedRedis;
  /** A window, such as `Ratelimit.slidingWindow(10, "10 s")`. */
  readonly limiter: Window;
  /** Name of the limiter. @default "ratelimit" */
  readonly prefix?: string | undefined;
  /** Longest wait for Redis, in milliseconds. @default 250 */
  readonly timeout?: number | undefined;
  /** Behaviour while Redis is unavailable. @default "refuse" */
  readonly onUnavailable?: "allow" | "refuse" | "local" | undefined;
}

/** Result of `limit`. */
export interface RatelimitResult {
  readonly success: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Time of the next possible attempt (if refused) or of the next returned units, in milliseconds since 1970. */
  readonly reset: number;
  /** Resolves at once: no work is left in the background. */
  readonly pending: Promise<void>;
  /** `timeout`: Redis was unavailable, and `onUnavailable` decided. */
  readonly reason?: "timeout" | "denyList" | undefined;
}

const BY = "identifier";
const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const RETRY_WHEN_AWAY_MS = 1_000;

/**
 * Limiter with the interface of `@upstash/ratelimit`: `new Ratelimit({ redis, limiter: Ratelimit.slidingWindow(10, "10 s") })`,
 * `limit(identifier)`. It runs on every Redis and uses the server's clock. Refused calls are not charged, and results say if Redis was
 * unavailable.
 */
export class Ratelimit {
  readonly #limiter: Limiter;

  constructor({ redis, limiter, prefix = "ratelimit", timeout, onUnavailable = "refuse" }: RatelimitOptions) {
    if (typeof limiter !== "function")
      refuse("limiter", "a result of Ratelimit.slidingWindow or a similar method", limiter);
    this.#limiter = createLimiter(redis, { name: prefix, rules: [limiter(BY)], onUnavailable, timeoutMs: timeout });
  }

  /** At most `tokens` in a window that begins at multiples of its length. */
  static fixedWindow(tokens: number, window: Duration): Window {
    return (by) => ({ id: "limit", by, algorithm: "fixedWindow", limit: tokens, windowMs: toMs(window) });
  }

  /** At most `tokens` in a sliding window, by two counters. */
  static slidingWindow(tokens: number, window: Duration): Window {
    return (by) => ({ id: "limit", by, algorithm: "slidingWindow", limit: tokens, windowMs: toMs(window) });
  }

  /** Returns `refillRate` units evenly over every `interval`, up to `maxTokens`. */
  static tokenBucket(refillRate: number, interval: Duration, maxTokens: number): Window {
    const windowMs = toMs(interval);
    return (by) => ({ id: "limit", by, algorithm: "tokenBucket", limit: refillRate, windowMs, burst: maxTokens });
  }

  /** Takes one unit, or `rate` units; a negative rate returns units. */
  async limit(identifier: string, { rate = 1 }: { readonly rate?: number | undefined } = {}): Promise<RatelimitResult> {
    const subjects = { [BY]: identifier };
    if (rate < 0) {
      await this.#limiter.refund(subjects, { requests: -rate });
      return this.#toResult(await this.#limiter.peek(subjects, { requests: 0 }));
    }
    return this.#toResult(await this.#limiter.take(subjects, { requests: rate }));
  }

  /** Waits until a unit is free, up to `timeout` milliseconds. */
  async blockUntilReady(identifier: string, timeout: number): Promise<RatelimitResult> {
    return this.#toResult(await this.#limiter.take({ [BY]: identifier }, {}, { wait: { maxMs: timeout } }));
  }

  /** Returns the units left and the time when more return. Takes none. */
  async getRemaining(identifier: string): Promise<{ remaining: number; reset: number; limit: number }> {
    const { remaining, reset, limit } = this.#toResult(await this.#limiter.peek({ [BY]: identifier }, { requests: 0 }));
    return { remaining, reset, limit };
  }

  /** Deletes the used units of an identifier. */
  async resetUsedTokens(identifier: string): Promise<void> {
    await this.#limiter.reset({ [BY]: identifier });
  }

  #toResult(decision: {
    readonly allowed: boolean;
    readonly degraded: boolean;
    readonly rules: readonly RuleState[];
    readonly refusedBy?: string;
    readonly retryAfterMs?: number | undefined;
  }): RatelimitResult {
    const { allowed, degraded, refusedBy, retryAfterMs } = decision;
    const [rule] = decision.rules;
    const againMs = allowed ? (rule?.resetMs ?? 0) : (retryAfterMs ?? (degraded ? RETRY_WHEN_AWAY_MS : Infinity));
    return {
      success: allowed,
      limit: rule?.limit ?? 0,
      remaining: rule?.remaining ?? 0,
      reset: Date.now() + againMs,
      pending: Promise.resolve(),
      reason: degraded ? "timeout" : refusedBy === "blocked" ? "denyList" : undefined,
    };
  }
}

function toMs(duration: Duration): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d)$/.exec(duration) ?? [];
  if (amount === undefined || unit === undefined)
    throw new MarrowError("invalid_option", 'the window must be a duration such as "10 s"', {
      details: { path: "window" },
    });
  return Number(amount) * UNITS[unit as keyof typeof UNITS];
}
