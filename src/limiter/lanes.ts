import { hash } from "node:crypto";
import { checkInteger, checkText } from "../internal/check.ts";
import type { AnswerHeaders } from "../internal/retry-after.ts";
import { allOf, checkScope, encodeKeyPart, keyTag, type ScopedRedis } from "../redis/index.ts";
import { concernsItself, readLimits, type ProviderLimit, type RefusedRequest } from "./provider-headers.ts";

/** One provider's limits hold for one model and one key of ours. */
export interface Lane {
  readonly provider: string;
  readonly model: string;
  /** A name of the key or its hash; never the key. */
  readonly key: string;
}

/** Options of `createLanes`. */
export interface LanesOptions {
  readonly name: string;
  /** Longest wait for Redis, in milliseconds; without an answer a process goes by what it learned itself. @default 100 */
  readonly timeoutMs?: number | undefined;
}

/** May the provider be asked? */
export type LaneDecision =
  | { readonly open: true }
  | {
      readonly open: false;
      /** What it is closed by: the provider said so by a 429, it is overloaded, or what it said is left is used up. */
      readonly reason: "closed" | "overloaded" | "requests" | "tokens";
      readonly retryAfterMs: number;
    };

/** The providers' own limits, learned from their answers and shared between processes. */
export interface Lanes {
  /**
   * Whether a lane is open for a call of about so many tokens; counts it against what the provider said is left.
   * No round trip but one in {@link LOOK_MS} a lane, which only the first waits for.
   */
  enter(lane: Lane, tokens?: number): Promise<LaneDecision>;
  /**
   * Learns from an answer. A 429 closes the lane for as long as it says, a minute at most, in this process at once, in others within
   * {@link LOOK_MS}; so does a 503 or 529 once there were {@link STRIKES} within ten seconds and no better answer between: one of them may be
   * one machine's. What a provider refused because of that `request` alone, such as one that is too large, closes nothing.
   */
  learn(lane: Lane, status: number, headers: AnswerHeaders, request?: RefusedRequest): Promise<void>;
  /** Opens a lane again before its time. */
  open(lane: Lane): Promise<void>;
}

/** Overloads in a row that close a lane. */
export const STRIKES = 3;
const STRIKES_WITHIN_MS = 10_000;

/** How often a process looks what others learned, in milliseconds. */
export const LOOK_MS = 250;
/** Lanes that are remembered in process. */
const LANES_MAX = 10_000;

/** Why a provider closed a lane, as the lane's key in Redis says it. */
type ClosedBy = "closed" | "overloaded";

interface Left {
  remaining: number;
  readonly untilMs: number;
}

interface Known {
  closedUntilMs: number;
  closedBy: ClosedBy;
  /** When this process last learned that it is closed. */
  learnedMs: number;
  /** When the last overloads were told that nothing better came after. */
  strikes: readonly number[];
  lookedMs: number;
  looking: Promise<void> | undefined;
  requests: Left | undefined;
  tokens: Left | undefined;
}

/**
 * Makes the lanes of a scope. A closed lane is one string in Redis whose life is the closing; what is left of a provider's limits each
 * process knows from its own last answer, which counts the calls of all, and counts its own calls since.
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
      // What was learned since may not be there yet.
      if (known.learnedMs >= known.lookedMs) return;
      known.closedUntilMs = Number(life) > 0 ? performance.now() + Number(life) : 0;
      known.closedBy = String(why) === "overloaded" ? "overloaded" : "closed";
    } catch {
      // Redis is away: what is known here goes on.
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
        // Others learn it from the provider themselves.
      }
    },

    async open(lane) {
      const key = keyOf(lane);
      lanes.delete(key);
      await scoped.send(["DEL", key], { timeoutMs, retry: "safe" });
    },
  };
}
