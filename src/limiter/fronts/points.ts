import { MarrowError } from "../../errors.ts";
import { checkNumber, refuse } from "../../internal/check.ts";
import { allOf, type ScopedRedis } from "../../redis/index.ts";
import type { Limiter } from "../contract.ts";
import type { RuleState } from "../decision.ts";
import { limiterKeys } from "../keys.ts";
import { createLimiter } from "../limiter.ts";

/** Options of {@link PointsLimiter}. */
export interface PointsLimiterOptions {
  readonly storeClient: ScopedRedis;
  /** Points per duration. */
  readonly points: number;
  /** Seconds; fractions are allowed. */
  readonly duration: number;
  /** Name of the limiter. @default "points" */
  readonly keyPrefix?: string | undefined;
  /** Seconds that a key stays blocked after it asked for more points than it has. Over 366 days: without end. @default 0 */
  readonly blockDuration?: number | undefined;
  /** Algorithm by which points return. @default "fixedWindow" */
  readonly algorithm?: "fixedWindow" | "slidingWindow" | "slidingLog" | "tokenBucket" | undefined;
}

/** State of a key. `consume` rejects with one if it refuses, and with an error if Redis is unavailable. */
export class PointsResult {
  readonly remainingPoints: number;
  /** Milliseconds until points are available again; -1 if the call can never be allowed. */
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
/** A longer block has no end: programs ask for twenty years when they mean that. */
const BLOCK_MS_MAX = 366 * 86_400_000;
const SCALE = 1_000;
/**
 * Options of the original that change decisions and that are not supported here. Ignoring them silently would let through blocked callers.
 */
const UNKNOWN = [
  "execEvenly",
  "blockOnConsumed",
  "inMemoryBlockOnConsumed",
  "inMemoryBlockDuration",
  "insuranceLimiter",
];

/**
 * Limiter with the interface of `rate-limiter-flexible`: `consume`, `penalty`, `reward`, `get`, `set`, `block`, `delete`.
 *
 * Refused calls are not charged, so a smaller call may still be allowed. `get` includes the refused points, so that guards that compare
 * `consumedPoints` with a limit see a key that exceeded it. Points may be fractions, and durations may be shorter than a second.
 */
export class PointsLimiter {
  readonly points: number;
  readonly duration: number;
  readonly blockDuration: number;
  readonly #limiter: Limiter;
  readonly #redis: ScopedRedis;
  readonly #refusedKey: (key: string) => string;

  constructor(options: PointsLimiterOptions) {
    const { storeClient, keyPrefix: name = "points", algorithm = "fixedWindow" } = options;
    for (const option of UNKNOWN)
      if ((options as unknown as Readonly<Record<string, unknown>>)[option])
        refuse(option, "left out: this limiter has no such option", true);
    this.points = options.points;
    this.duration = checkNumber("duration", options.duration, { min: 0.01 });
    this.blockDuration = checkNumber("blockDuration", options.blockDuration ?? 0, { min: 0 });
    const windowMs = Math.round(this.duration * 1_000);
    const rule = { id: "points", by: BY, algorithm: algorithm as "fixedWindow", limit: this.points, windowMs };
    this.#limiter = createLimiter(storeClient, { name, rules: [rule], onUnavailable: "refuse" });
    this.#redis = storeClient;
    const keys = limiterKeys(storeClient, name, "scope");
    this.#refusedKey = (key) => keys.refused(BY, key);
  }

  /**
   * Takes points. A refusal costs a second round trip.
   * @throws PointsResult if too few are left (nothing is charged), MarrowError `unavailable` if Redis is unavailable
   */
  async consume(
    key: string | number,
    points = 1,
    options: { readonly customDuration?: undefined } = {},
  ): Promise<PointsResult> {
    if ((options.customDuration as unknown) !== undefined)
      refuse("customDuration", "left out: a limiter has one duration", options.customDuration, "invalid_input");
    const decision = await this.#limiter.take({ [BY]: String(key) }, { requests: points });
    const { rules } = decision;
    if (decision.allowed) return toResult(rules, undefined, points);
    if (decision.degraded)
      throw new MarrowError("unavailable", "Redis is unavailable, so the limiter made no decision");
    if (decision.refusedBy === "blocked") {
      const consumed = await this.#noteRefused(key, points, decision.retryAfterMs);
      throw new PointsResult(0, decision.retryAfterMs ?? NEVER_MS, consumed, false);
    }
    const [rule] = rules;
    const asked = (rule?.used ?? 0) + points;
    if (this.blockDuration > 0) {
      await this.#block(key, this.blockDuration, asked);
      throw toResult(rules, this.blockDuration * 1_000);
    }
    await this.#noteRefused(key, points, Math.max(1, rule?.resetMs ?? 1), asked);
    throw toResult(rules, decision.retryAfterMs ?? NEVER_MS);
  }

  /** Charges points even beyond the limit. */
  async penalty(key: string | number, points = 1): Promise<PointsResult> {
    await this.#limiter.charge({ [BY]: String(key) }, { requests: points });
    await this.#changeRefused(key, points);
    return this.#standing(key);
  }

  /** Returns points. A block stays. */
  async reward(key: string | number, points = 1): Promise<PointsResult> {
    await this.#limiter.refund({ [BY]: String(key) }, { requests: points });
    await this.#changeRefused(key, -points);
    return this.#standing(key);
  }

  /**
   * Returns the state of a key, or `null` if nothing is counted for it. For a blocked key: no points left, the points consumed (more than
   * `points`), and the milliseconds until the block ends (-1: without end).
   */
  async get(key: string | number): Promise<PointsResult | null> {
    const standing = await this.#standing(key);
    return standing.consumedPoints === 0 ? null : standing;
  }

  /** Sets the points that a key has consumed, and ends a block. */
  async set(key: string | number, points: number): Promise<PointsResult> {
    await this.delete(key);
    if (points > 0) await this.#limiter.charge({ [BY]: String(key) }, { requests: points });
    return this.#standing(key);
  }

  /** Blocks a key for some seconds; 0, or more than 366 days, is without end. Its consumed points are cleared when the block ends. */
  async block(key: string | number, seconds: number): Promise<PointsResult> {
    const checked = checkNumber("seconds", seconds, { min: 0 }, "invalid_input");
    await this.#limiter.reset({ [BY]: String(key) });
    const forMs = await this.#block(key, checked, this.points + 1);
    return new PointsResult(0, forMs ?? NEVER_MS, this.points + 1, false);
  }

  /** Deletes a key's consumed points and its block. Returns true if there was anything to delete. */
  async delete(key: string | number): Promise<boolean> {
    const counted = (await this.get(key)) !== null;
    await this.#limiter.unblock({ [BY]: String(key) });
    await this.#limiter.reset({ [BY]: String(key) });
    await this.#redis.send(["UNLINK", this.#refusedKey(String(key))], { retry: "safe" });
    return counted;
  }

  /** Blocks a key and records its consumed points. Returns the duration in milliseconds, `undefined` without end. */
  async #block(key: string | number, seconds: number, consumed: number): Promise<number | undefined> {
    const ms = Math.round(seconds * 1_000);
    const forMs = seconds === 0 || ms > BLOCK_MS_MAX ? undefined : Math.max(1, ms);
    await this.#limiter.block({ [BY]: String(key) }, { forMs });
    const life = forMs === undefined ? [] : ["PX", String(forMs)];
    await this.#redis.send(["SET", this.#refusedKey(String(key)), toScaled(consumed), ...life]);
    return forMs;
  }

  /** Adds to a key's refused points and returns their sum. `first` is the starting value if nothing was recorded before. */
  async #noteRefused(
    key: string | number,
    points: number,
    lifeMs: number | undefined,
    first: number = this.points + 1,
  ): Promise<number> {
    const noted = this.#refusedKey(String(key));
    const life = lifeMs === undefined ? undefined : String(Math.max(1, Math.ceil(lifeMs)));
    const end = life === undefined ? [] : ["PX", life];
    if ((await this.#redis.send(["SET", noted, toScaled(first), "NX", ...end])) !== null) return first;
    // Should it have ended in between, this makes it anew: then it needs an end again.
    const renew = life === undefined ? [] : [["PEXPIRE", noted, life, "NX"]];
    const [sum] = allOf(await this.#redis.pipeline([["INCRBY", noted, toScaled(points)], ...renew]));
    return Number(sum) / SCALE;
  }

  /** Lets a penalty or a reward count for a key that was refused as well. */
  async #changeRefused(key: string | number, points: number): Promise<void> {
    const noted = this.#refusedKey(String(key));
    const before = await this.#redis.send(["GET", noted]);
    // A record that expires between the read and the write is not restored: the write requires that the key exists and keeps its expiry.
    if (typeof before === "string")
      await this.#redis.send(["SET", noted, toScaled(Number(before) / SCALE + points), "XX", "KEEPTTL"]);
  }

  async #standing(key: string | number): Promise<PointsResult> {
    const [standing, noted] = await Promise.all([
      this.#limiter.peek({ [BY]: String(key) }, { requests: 0 }),
      this.#redis.send(["GET", this.#refusedKey(String(key))]),
    ]);
    const [rule] = standing.rules;
    const isBlocked = !standing.allowed && standing.refusedBy === "blocked";
    const asked = typeof noted === "string" ? Number(noted) / SCALE : isBlocked ? this.points + 1 : 0;
    const consumed = Math.max(rule?.used ?? 0, asked);
    const left = isBlocked ? 0 : Math.max(0, this.points - consumed);
    const waitMs = isBlocked ? (standing.retryAfterMs ?? NEVER_MS) : (rule?.resetMs ?? 0);
    return new PointsResult(left, waitMs, consumed, false);
  }
}

function toResult(rules: readonly RuleState[], waitMs: number | undefined, taken?: number): PointsResult {
  const [rule] = rules;
  const consumed = rule?.used ?? 0;
  return new PointsResult(
    rule?.remaining ?? 0,
    waitMs ?? rule?.resetMs ?? 0,
    consumed,
    taken !== undefined && taken === consumed,
  );
}

function toScaled(points: number): string {
  return String(Math.round(points * SCALE));
}
