import { hash } from "node:crypto";
import { checkInteger, checkText } from "../internal/check.ts";
import type { AnswerHeaders } from "../internal/retry-after.ts";
import { allOf, checkScope, encodeKeyPart, keyTag, type ScopedRedis } from "../redis/index.ts";
import { concernsItself, readLimits, type ProviderLimit, type RefusedRequest } from "./provider-headers.ts";

/** A provider's limits for one model and one API key. */
export interface Lane {
  readonly provider: string;
  readonly model: string;
  /** A name for the key, or its hash; never the key itself. */
  readonly key: string;
}

/** Options of `createLanes`. */
export interface LanesOptions {
  readonly name: string;
  /** Longest wait for Redis, in milliseconds. Without a reply the process uses its local state. @default 100 */
  readonly timeoutMs?: number | undefined;
}

/** Decision about a call to the provider. */
export type LaneDecision =
  | { readonly open: true }
  | {
      readonly open: false;
      /** Why the lane is closed: a 429, an overload, or no requests or tokens left. */
      readonly reason: "closed" | "overloaded" | "requests" | "tokens";
      readonly retryAfterMs: number;
    };

/** Tracks the limits that providers report, and shares closed lanes between processes. */
export interface Lanes {
  /**
   * Decides whether a lane is open for a call of about `tokens` tokens, and counts the call against the provider's remaining quota. Usually
   * makes no round trip. Each lane is read from Redis once per {@link LOOK_MS}; only a lane's first call waits for that read.
   */
  enter(lane: Lane, tokens?: number): Promise<LaneDecision>;
  /**
   * Updates the lane from a response of the provider.
   *
   * A 429 closes the lane for its `Retry-After`, at most one minute: in this process at once, in others within {@link LOOK_MS}. A 503 or
   * 529 may concern a single machine of the provider; so {@link STRIKES} of them within ten seconds, without a better response between,
   * close the lane. A response that concerns only this `request`, such as one that is too large, closes nothing.
   */
  learn(lane: Lane, status: number, headers: AnswerHeaders, request?: RefusedRequest): Promise<void>;
  /** Opens a closed lane early. */
  open(lane: Lane): Promise<void>;
}

/** Overloads in a row that close a lane. */
export const STRIKES = 3;
const STRIKES_WITHIN_MS = 10_000;

/** Interval in milliseconds at which a process reads the closed lanes of others. */
export const LOOK_MS = 250;
/** Lanes that are remembered in process. */
const LANES_MAX = 10_000;

/** Reason for a closed lane, as stored in Redis. */
type ClosedBy = "closed" | "overloaded";

interface Left {
  remaining: number;
  readonly untilMs: number;
}

interface Known {
  closedUntilMs: number;
  closedBy: ClosedBy;
  /** Time when this process last received a refusal itself. */
  learnedMs: number;
  /** Times of the latest overloads without a success after them. */
  strikes: readonly number[];
  lookedMs: number;
  looking: Promise<void> | undefined;
  requests: Left | undefined;
  tokens: Left | undefined;
}

/**
 * Makes the lanes of a scope.
 *
 * A closed lane is one string in Redis whose TTL is the remaining time. Each process estimates the remaining quota from the provider's last
 * response to it, which includes the calls of all processes, minus its own calls since.
 * @throws MarrowError `invalid_option`
 */
export function createLanes(redis: ScopedRedis, options: LanesOptions): Lanes {
  const scoped = checkScope(redis);
  const name = encodeKeyPart("name", checkText("name", options.name, 128));
  const timeoutMs = checkInteger("timeoutMs", options.timeoutMs ?? 100, { min: 1, max: 60_000 });
  const lanes = new Map<string, Known>();

  const keyOf = ({ provider, model, key }: Lane) => {
    const parts = [provider, model, key].map((part, at) =>
      checkText(`lane.${["provider", "model", "key"][at]}`, part, 1_024, "invalid_input"),
    );
    return `${keyTag(scoped)}:limiter:${name}:lane:${hash("sha256", JSON.stringify(parts)).slice(0, 32)}`;
  };

  function knownOf(key: string): Known {
    const known = lanes.get(key);
    if (known !== undefined) return known;
    if (lanes.size >= LANES_MAX) lanes.delete(lanes.keys().next().value as string);
    const fresh = {
      closedUntilMs: 0,
      closedBy: "closed" as const,
      learnedMs: 0,
      strikes: [],
      lookedMs: -LOOK_MS,
      looking: undefined,
      requests: undefined,
      tokens: undefined,
    };
    lanes.set(key, fresh);
    return fresh;
  }

  async function look(key: string, known: Known): Promise<void> {
    known.lookedMs = performance.now();
    try {
      const commands = [
        ["PTTL", key],
        ["GET", key],
      ];
      const [life, why] = allOf(await scoped.pipeline(commands, { timeoutMs }));
      // A refusal that arrived during the read may be missing in the reply.
      if (known.learnedMs >= known.lookedMs) return;
      known.closedUntilMs = Number(life) > 0 ? performance.now() + Number(life) : 0;
      known.closedBy = String(why) === "overloaded" ? "overloaded" : "closed";
    } catch {
      // Redis is unavailable: keep the local state.
    } finally {
      known.looking = undefined;
    }
  }

  return {
    async enter(lane, tokens = 0) {
      const key = keyOf(lane);
      const known = knownOf(key);
      const first = known.lookedMs < 0;
      if (performance.now() - known.lookedMs >= LOOK_MS) known.looking ??= look(key, known);
      if (first || known.looking === undefined) await known.looking;
      const nowMs = performance.now();
      if (known.closedUntilMs > nowMs)
        return { open: false, reason: known.closedBy, retryAfterMs: Math.ceil(known.closedUntilMs - nowMs) };
      const units = { requests: 1, tokens };
      for (const unit of ["requests", "tokens"] as const) {
        const left = known[unit];
        if (left === undefined || nowMs >= left.untilMs) known[unit] = undefined;
        else if (left.remaining < units[unit])
          return { open: false, reason: unit, retryAfterMs: Math.ceil(left.untilMs - nowMs) };
      }
      for (const unit of ["requests", "tokens"] as const) {
        const left = known[unit];
        if (left !== undefined) left.remaining -= units[unit];
      }
      return { open: true };
    },

    async learn(lane, status, headers, request) {
      const key = keyOf(lane);
      const known = knownOf(key);
      const nowMs = performance.now();
      const { closedMs, requests, tokens } = readLimits(status, headers);
      const toLeft = (one: ProviderLimit | undefined): Left | undefined =>
        one && { remaining: one.remaining, untilMs: nowMs + one.resetMs };
      known.requests = toLeft(requests) ?? known.requests;
      known.tokens = toLeft(tokens) ?? known.tokens;
      if (closedMs === undefined) {
        known.strikes = [];
        return;
      }
      if (request !== undefined && concernsItself(headers, request)) return;
      if (status !== 429) {
        known.strikes = [...known.strikes.filter((atMs) => nowMs - atMs < STRIKES_WITHIN_MS), nowMs];
        if (known.strikes.length < STRIKES) return;
      }
      known.learnedMs = nowMs;
      const untilMs = nowMs + closedMs;
      if (untilMs <= known.closedUntilMs) return;
      known.closedUntilMs = untilMs;
      known.closedBy = status === 429 ? "closed" : "overloaded";
      try {
        // A closing that lasts longer already is kept: NX, then only ever longer.
        await scoped.pipeline(
          [
            ["SET", key, known.closedBy, "NX", "PX", String(closedMs)],
            ["PEXPIRE", key, String(closedMs), "GT"],
          ],
          { timeoutMs },
        );
      } catch {
        // Redis is unavailable: other processes will get the refusal from the provider themselves.
      }
    },

    async open(lane) {
      const key = keyOf(lane);
      lanes.delete(key);
      await scoped.send(["DEL", key], { timeoutMs, retry: "safe" });
    },
  };
}
