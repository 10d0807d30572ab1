import type { Costs, Decision, Permit, Refusal } from "./decision.ts";
import type { Exceptions } from "./exceptions.ts";

/** Who calls: a value for every `by` of the rules, such as `{ user: "42" }`. */
export type Subjects = Readonly<Record<string, string>>;

/** How one take is done. */
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

/** How a permit by its token is settled. */
export interface ResumeOptions {
  /**
   * Settles the permit once over all processes, within so many milliseconds after its take (at most 31 days): `settle` and what remembers
   * it are one script, so it may be sent again whatever became of it, and is told the same. Another settlement of the permit answers `false`.
   * @default undefined (each call counts)
   */
  readonly onceWithinMs?: number | undefined;
}

/** Whether a call would be allowed, and the state of each rule. Nothing is taken. */
export type Standing = Omit<Permit, "settle" | "adjust" | "token"> | Refusal;

/** Decides whether a call may go on. */
export interface Limiter extends Exceptions {
  /**
   * Takes the costs from every rule, or from none when one refuses: one script, one round trip, server time only.
   * Redis being away is no error: `onUnavailable` decides, and the decision says `degraded`.
   * @throws MarrowError `invalid_input` for costs or subjects of the wrong kind, `aborted` when the signal ended the waiting
   */
  take(subjects: Subjects, costs?: Costs, options?: TakeOptions): Promise<Decision>;
  /**
   * Returns what `take` would answer, and takes nothing. One round trip. @throws MarrowError also `unavailable` or `timeout` when Redis is
   * away
   */
  peek(subjects: Subjects, costs?: Costs): Promise<Standing>;
  /**
   * A permit by its {@link Permit.token}, to settle it in another process than took it. That nobody settles twice is up to its callers, or to
   * `onceWithinMs`: each permit keeps count of itself alone. Makes no round trip.
   * @throws MarrowError `invalid_input` for what no limiter gave, `conflict` for a permit of other rules
   */
  resume(token: string, options?: ResumeOptions): Permit;
  /** Charges units, even beyond the limit. Slots are not changed. One round trip. */
  charge(subjects: Subjects, costs: Costs): Promise<void>;
  /** Returns units, never below zero. Slots are not changed. One round trip. */
  refund(subjects: Subjects, costs: Costs): Promise<void>;
  /**
   * Resets what was counted for these subjects, by all rules or the named ones. Slots that are held stay held. One round trip.
   */
  reset(subjects: Subjects, rules?: readonly string[]): Promise<void>;
}
