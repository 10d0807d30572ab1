import { SCALE, type ResolvedRule, type Unit } from "./options.ts";

/** Where one rule stands after a decision. */
export interface RuleState {
  readonly id: string;
  readonly unit: Unit;
  /** The limit in force, exceptions of this subject included. */
  readonly limit: number;
  /** 0 for slots. */
  readonly windowMs: number;
  /** Units counted now: before a take, after it for one that was allowed. Over `limit` when more was charged than there is. */
  readonly used: number;
  /** Units left now, never below 0. */
  readonly remaining: number;
  /** Milliseconds until the window ends, or the bucket is full again. 0 for slots. */
  readonly resetMs: number;
}

interface Decided {
  /** Every rule's state, in the order of the options; empty when Redis was away. */
  readonly rules: readonly RuleState[];
  /** True when Redis was away and `onUnavailable` decided instead of the counts. */
  readonly degraded: boolean;
}

/** A refusal: charged to no rule. */
export interface Refusal extends Decided {
  readonly allowed: false;
  /** Id of the refusing rule; of several, the one to wait longest for. `blocked`: the subject is; `unavailable`: Redis was away. */
  readonly refusedBy: string;
  /** Milliseconds until the same call may be allowed; `undefined` when it never can be, being over the limit by itself. */
  readonly retryAfterMs: number | undefined;
}

/** A call that was allowed, and charged to every rule. */
export interface Permit extends Decided {
  readonly allowed: true;
  /** The permit as it is now as text, for `Limiter.resume`; `undefined` for one that only this process can settle. */
  readonly token: string | undefined;
  /**
   * Replaces the costs that were taken by the real ones (a unit that is left out stays as taken), and returns slots. The difference is
   * charged or returned only in windows that still count this take. A second call does nothing.
   *
   * Answers whether it still counted; `false` when its lease was over before, and all that it held had been given back. One round trip,
   * shared with other settlements of the same subjects within 5 ms; none when nothing differs.
   */
  settle(actual?: Costs): Promise<boolean>;
  /**
   * The same for a call that is still running: slots and reservations are kept, with the costs so far. Fewer slots than were taken
   * (`concurrency: 0`) return the rest now; more slots are not taken.
   */
  adjust(soFar: Costs): Promise<boolean>;
}

/** What `take` answers. */
export type Decision = Permit | Refusal;

/** What a call costs. At least 0, at most 2^40, multiples of 0.001. */
export interface Costs {
  /** @default 1 */
  readonly requests?: number | undefined;
  /** @default 0 */
  readonly tokens?: number | undefined;
  /** Money in millionths. @default 0 */
  readonly cost?: number | undefined;
  /** Slots. @default 1 */
  readonly concurrency?: number | undefined;
}

/** A rule's numbers in a decision, in thousandths. */
export interface Stood {
  readonly used: number;
  readonly room: number;
}

/** Tells how a rule stands. */
export function toState(
  rule: ResolvedRule,
  { used, room }: Stood,
  nowMs: number,
  endsMs: number | undefined,
): RuleState {
  const { id, unit, algorithm, windowMs, limit } = rule;
  return {
    id,
    unit,
    limit: room / SCALE,
    windowMs,
    used: used / SCALE,
    remaining: Math.max(0, Math.floor(room - used) / SCALE),
    resetMs:
      algorithm === "concurrency"
        ? 0
        : algorithm === "tokenBucket"
          ? Math.ceil((used * windowMs) / Math.max(1, limit))
          : algorithm === "slidingLog"
            ? windowMs
            : (endsMs ?? nowMs - (nowMs % windowMs) + windowMs) - nowMs,
  };
}
