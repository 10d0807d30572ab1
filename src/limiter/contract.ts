import type { Costs, Decision, Permit, Refusal } from "./decision.ts";
import type { Exceptions } from "./exceptions.ts";

/** Identifies the caller: a value for every `by` of the rules, such as `{ user: "42" }`. */
export type Subjects = Readonly<Record<string, string>>;

/** Options of `Limiter.take`. */
export interface TakeOptions {
  /**
   * Takes tokens and cost under a lease. If the process dies before `settle`, they are returned. Requests stay charged. @default false
   */
  readonly reserve?: boolean | undefined;
  /**
   * Whether this process keeps slots and reservations alive. Without that they end `leaseMs` after the take unless they are settled before, by
   * this process or another one that has the permit's `token`. @default true
   */
  readonly renew?: boolean | undefined;
  /**
   * If the call is refused, waits until it would be allowed, up to `maxMs` (at most one hour). Callers that wait for a slot are served in
   * order.
   */
  readonly wait?: { readonly maxMs: number } | undefined;
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of `Limiter.resume`. */
export interface ResumeOptions {
  /**
   * Settles the permit only once across all processes, within this many milliseconds of its take (at most 31 days). A repeated call with
   * the same costs returns the first call's result, so it may be retried. A settlement with other costs returns `false`. Still one round
   * trip.
   * @default undefined (each call counts)
   */
  readonly onceWithinMs?: number | undefined;
}

/** Whether a call would be allowed, and the state of each rule. Nothing is taken. */
export type Standing = Omit<Permit, "settle" | "adjust" | "token"> | Refusal;

/** Decides whether a call may go on. */
export interface Limiter extends Exceptions {
  /**
   * Takes the costs from every rule, or from none if one refuses: one script, one round trip, on the server's clock. If Redis is
   * unavailable, `onUnavailable` decides and the decision has `degraded: true`; no error is thrown.
   * @throws MarrowError `invalid_input` for costs or subjects of the wrong kind, `aborted` if the signal ended the wait
   */
  take(subjects: Subjects, costs?: Costs, options?: TakeOptions): Promise<Decision>;
  /**
   * Returns the decision that `take` would make, without taking anything. One round trip.
   * @throws MarrowError as `take`, and `unavailable` or `timeout` if Redis is unavailable
   */
  peek(subjects: Subjects, costs?: Costs): Promise<Standing>;
  /**
   * Restores a permit from its {@link Permit.token}, to settle it in another process. Makes no round trip. Each restored permit counts on
   * its own: use `onceWithinMs`, or take care that only one process settles.
   * @throws MarrowError `invalid_input` for a token that no limiter issued, `conflict` for a permit of other rules
   */
  resume(token: string, options?: ResumeOptions): Permit;
  /** Charges units, even beyond the limit. Slots are not changed. One round trip. */
  charge(subjects: Subjects, costs: Costs): Promise<void>;
  /** Returns units, never below zero. Slots are not changed. One round trip. */
  refund(subjects: Subjects, costs: Costs): Promise<void>;
  /** Resets the counts of these subjects, for all rules or the named ones. Slots that are held stay held. One round trip. */
  reset(subjects: Subjects, rules?: readonly string[]): Promise<void>;
}
