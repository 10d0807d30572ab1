import { SCALE, type ResolvedRule, type Unit } from "./options.ts";

/** State of one rule after a decision. */
export interface RuleState {
  readonly id: string;
  readonly unit: Unit;
  /** The limit in force, exceptions of this subject included. */
  readonly limit: number;
  /** 0 for slots. */
  readonly windowMs: number;
  /** Units counted now, including this take if it was allowed. Exceeds `limit` if more was charged than is available. */
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

/** A refused call. No rule was charged. */
export interface Refusal extends Decided {
  readonly allowed: false;
  /**
   * Id of the refusing rule; if several refuse, the one with the longest wait. `blocked`: the subject is blocked. `unavailable`: Redis was
   * unavailable.
   */
  readonly refusedBy: string;
  /** Milliseconds until the same call may be allowed. `undefined` if it never can be, because its cost exceeds the limit. */
  readonly retryAfterMs: number | undefined;
}

/** An allowed call. Every rule was charged. */
export interface Permit extends Decided {
  readonly allowed: true;
  /** The permit's current state as text, for `Limiter.resume`. `undefined` if only this process can settle it. */
  readonly token: string | undefined;
  /**
   * Replaces the taken costs by the real ones and returns slots. A unit that is left out stays as taken. The difference is charged or
   * returned only in windows that still count this take. A second call does nothing.
   *
   * Returns `false` if the lease had expired and its units had already been returned. One round trip, shared with other settlements of the
   * same subjects within 5 ms; none if nothing changes.
   */
  settle(actual?: Costs): Promise<boolean>;
  /**
   * Updates the costs of a call that is still running, and keeps its slots and reservations. Fewer slots than were taken (`concurrency: 0`)
   * return the rest now; more slots cannot be taken.
   */
  adjust(soFar: Costs): Promise<boolean>;
}

/** Result of `take`: an allowed call or a refused one. */
export type Decision = Permit | Refusal;

/** Costs of a call. At least 0, at most 2^40, multiples of 0.001. */
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

/** Numbers of a rule in a decision, in thousandths. */
export interface Stood {
  readonly used: number;
  readonly room: number;
}

/** Converts a rule's count to its public state. */
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
