import { MarrowError } from "../errors.ts";
import type { Reply } from "../redis/index.ts";
import type { ResolvedRule, Unit } from "./options.ts";

/** Where one rule stands after a decision. */
export interface RuleState {
  readonly id: string;
  readonly unit: Unit;
  readonly limit: number;
  readonly windowMs: number;
  /** Units left now, never below 0. */
  readonly remaining: number;
  /** Milliseconds until the current window ends and what it counts begins to fade. */
  readonly resetMs: number;
}

interface Decided {
  /** Every rule's state, in the order of the options; empty when Redis was away. */
  readonly rules: readonly RuleState[];
  /** True when Redis was away and `onUnavailable` decided instead of the counts. */
  readonly degraded: boolean;
}

/** What `take` answers: allowed, and then charged to every rule; or refused by one, and then charged to none. */
export type Decision =
  | (Decided & {
      readonly allowed: true;
      /**
       * Puts the real costs in place of those taken (a unit that is left out stays as taken): the difference is charged or given back, in the window that was
       * charged. Once that window is over by a whole length it does nothing. One round trip, shared with other settlements of
       * the same subject within 5 ms; none when nothing differs.
       */
      settle(actual: Costs): Promise<void>;
    })
  | (Decided & {
      readonly allowed: false;
      /** Id of the refusing rule; of several, the one to wait longest for. `unavailable` when Redis was away. */
      readonly refusedBy: string;
      /** Milliseconds until the same call may be allowed; `undefined` when it never can be, being over the limit by itself. */
      readonly retryAfterMs: number | undefined;
    });

/** What a call costs. Integers of at least 0. */
export interface Costs {
  /** @default 1 */
  readonly requests?: number | undefined;
  /** @default 0 */
  readonly tokens?: number | undefined;
}

/** The script's reply, read. */
export interface Counts {
  readonly nowMs: number;
  /** Index of the refusing rule, or -1. */
  readonly refused: number;
  readonly waitMs: number | undefined;
  readonly rules: readonly RuleState[];
}

/** Reads the reply of `take_windows`. @throws MarrowError `corrupt_record` when it is none */
export function toCounts(reply: Reply, rules: readonly ResolvedRule[]): Counts {
  if (!Array.isArray(reply) || reply.length !== rules.length + 3 || !reply.every((one) => typeof one === "number")) {
    throw new MarrowError("corrupt_record", "the limiter's script gave an unexpected answer");
  }
  const [nowMs = 0, refused = 0, waitMs = -1, ...used] = reply;
  return {
    nowMs,
    refused: refused - 1,
    waitMs: waitMs < 0 ? undefined : waitMs,
    rules: rules.map(({ id, unit, limit, windowMs }, at) => ({
      id,
      unit,
      limit,
      windowMs,
      remaining: Math.max(0, limit - (used[at] ?? 0)),
      resetMs: windowMs - (nowMs % windowMs),
    })),
  };
}
