import type { CurvePoint } from "./curve.ts";
import type { Listing } from "./listing.ts";
import type { Asking, JoinOptions } from "./asking.ts";
import type { AnswerCost } from "./cost.ts";
import type { JudgeJob } from "./judging/index.ts";
import type { Refusal } from "./judge.ts";
import type { Question } from "./question.ts";

/** The nearest stored question, and why it was not served. */
export interface Nearest {
  readonly similarity: number;
  readonly score: number;
  readonly veto: Refusal;
}

/** Details of a lookup's outcome, enough to understand and replay it. Contains prompts: the asked one and near ones. */
export interface Explanation {
  readonly partition: string;
  readonly id: string;
  /** The prompt as compared. */
  readonly asked: string;
  /** True for a prompt that refers to earlier turns which are not part of the question; nothing was looked up. */
  readonly followUp: boolean;
  readonly scoredBy: "verifier" | "cosine";
  readonly floor: number;
  readonly threshold: number;
  readonly candidates: readonly {
    readonly id: string;
    readonly similarity: number;
    readonly score: number;
    readonly veto?: Refusal | undefined;
    /** The stored wording, if it was compared. */
    readonly prompt?: string | undefined;
  }[];
}

/** A stored answer that serves. */
export interface Hit<V> {
  readonly hit: true;
  /**
   * `exact`: the same question; `alias`: a wording that the judge found the same before; `similar`: a question proven to ask the same;
   * `judged`: the judge found it the same now.
   */
  readonly match: "exact" | "alias" | "similar" | "judged";
  /** Id of the entry, for `forget` and `feedback`. */
  readonly id: string;
  readonly value: V;
  /** The prompt of the stored answer, as compared. */
  readonly prompt: string;
  /** Cosine, 0 to 1; 1 for an exact match. */
  readonly similarity: number;
  /** Score that the threshold applies to; 1 for an exact match. */
  readonly score: number;
  /** Time since it was stored, in milliseconds. */
  readonly ageMs: number;
  /** Cost of making the answer, which the hit saves; absent if it was stored without. */
  readonly cost?: AnswerCost | undefined;
  /** The asked wording of an `alias` or `judged` hit, for `feedback`. */
  readonly wording?: string | undefined;
  readonly explanation?: Explanation | undefined;
}

/** A hit or a miss. */
export type Lookup<V> =
  | Hit<V>
  | {
      readonly hit: false;
      readonly nearest?: Nearest | undefined;
      /** An expired answer to exactly this question, within `staleMs`. */
      readonly stale?: { readonly value: V; readonly ageMs: number } | undefined;
      /** The answer that the policy would serve with enough evidence. Never serve it. */
      readonly withheld?: { readonly id: string; readonly value: V; readonly score: number } | undefined;
      readonly explanation?: Explanation | undefined;
    };

/** Options of one lookup. */
export interface LookupOptions {
  /** Oldest answer that may be served, in milliseconds since it was stored. @default any age within its TTL */
  readonly maxAgeMs?: number | undefined;
  /** Tiers to look up. @default "both" */
  readonly tiers?: "exact" | "similar" | "both" | undefined;
  /** Whether a near miss may go to the judge, which keeps the asked wording as an alias. @default true where the cache has a judge */
  readonly judge?: boolean | undefined;
  /** Includes an {@link Explanation}. @default false */
  readonly explain?: boolean | undefined;
  /** Subject of the question: `forgetSubject` also deletes aliases made from it. @default none */
  readonly subject?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Options of one stored answer. */
export interface StoreOptions {
  /** TTL of this entry in milliseconds, 1 to 366 days. @default the cache's `ttlMs` */
  readonly ttlMs?: number | undefined;
  /** Savings of one hit, in any unit (tokens, money), 0 or more. In a cache with bounds the entries that save most stay. @default 1 */
  readonly saves?: number | undefined;
  /** Cost of the answer. Every hit on the entry reports it. @default unknown */
  readonly cost?: AnswerCost | undefined;
  /**
   * Subject (such as a user) of the question, for {@link Cache.forgetSubject}. It does not restrict the callers that get the answer.
   * @default none
   */
  readonly subject?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link Cache.through}. */
export interface ThroughOptions<V> extends LookupOptions, StoreOptions {
  /** Whether an answer may be stored. @default always */
  readonly keep?: ((value: V) => boolean) | undefined;
  /**
   * Whether concurrent misses for the same question, or for questions that one answer would serve, are coalesced across processes into one
   * model call. The others wait for the process that makes the call; if it dies, one of them takes over.
   * @default true
   */
  readonly singleFlight?: boolean | undefined;
}

/** The result of {@link Cache.through}: the value, and where it came from. */
export type Through<V> =
  /** `stale`: the entry has expired. It is being refreshed in the background, or refreshing failed. */
  | {
      readonly source: "exact" | "alias" | "similar" | "judged" | "stale";
      readonly value: V;
      readonly similarity: number;
      readonly ageMs: number;
    }
  /** A fresh answer: from this caller's model call (`miss`), from a concurrent caller's (`shared`), or without the cache (`bypass`). */
  | { readonly source: "miss" | "shared" | "bypass"; readonly value: V };

/** Options of {@link Cache.stream}. */
export interface StreamOptions<V, P> extends ThroughOptions<V> {
  /** Builds the answer from all its parts; returns `undefined` if it must not be stored. */
  readonly toValue: (parts: readonly P[]) => V | undefined;
  /** Splits a stored answer into parts. */
  readonly toParts: (value: V) => Iterable<P>;
}

/** The result of {@link Cache.stream}: an answer in parts, as they arrive. */
export interface Streamed<P> {
  readonly source: Through<unknown>["source"];
  /** Read it once, to its end. A reader that stops early ends the model call, unless others read it too. */
  readonly parts: AsyncIterable<P>;
}

/** Results of a cache's audits and judge. */
export interface CacheReport {
  /** Similar questions that passed every check but were not served by the policy. */
  readonly withheld: number;
  /** Stored answers that a judge or a user compared with fresh ones. */
  readonly audited: number;
  readonly wrong: number;
  readonly liked: number;
  readonly disliked: number;
  /** Score from which similar questions are served now; absent if none are. */
  readonly threshold?: number | undefined;
  /** Audit results for each threshold, from the highest to the lowest; empty without audits. */
  readonly curve: readonly CurvePoint[];
  /** Results of near misses that went to the judge, by {@link JudgeCount}. */
  readonly judge: Readonly<Record<string, number>>;
}

/** The answers of one scope. `V` must be JSON. */
export interface Cache<V> extends Listing<V> {
  /** Whether the cache finds similar questions: it was made with an embedder. Without one, only the exact tier is looked up. */
  readonly isSemantic: boolean;
  /**
   * Finds a stored answer. The exact tier comes first and never embeds. Then come the nearest questions with the same `within` and
   * `context`; one is served only with a proof that it asks the same, and if the policy agrees. One round trip for an exact hit, two
   * otherwise, and one more for an answer with tags after an invalidation. With a judge, near misses go to it in the background at no cost to
   * the lookup; in `serving` mode the lookup waits for the judge, at most until its deadline, and takes four more round trips.
   * @throws MarrowError `unavailable` or `timeout` if Redis cannot serve, `embedder_failed`, `invalid_input`
   */
  lookup(question: string | Question, options?: LookupOptions): Promise<Lookup<V>>;
  /**
   * Stores an answer in both tiers and replaces the one of the same question: one round trip. The answer counts as made at the time of its
   * lookup, so an invalidation in between invalidates it. Returns whether it was stored. It is not stored if it is larger than
   * `entryBytesMax`, if the question is a follow-up without its context, or if its `subject` was forgotten after the lookup.
   */
  store(question: string | Question, value: V, options?: StoreOptions): Promise<boolean>;
  /** Deletes one answer with its aliases. Its question may stay in the index for a while, but is never served. One round trip. */
  forget(question: string | Question | { readonly id: string }): Promise<boolean>;
  /**
   * Deletes all answers that were stored with this `subject`: bodies, vectors and statistics. Returns how many there were. `onForgotten`
   * receives their ids, some of which may have expired before. Call it again if it was interrupted. One round trip for 256 answers.
   */
  forgetSubject(subject: string, onForgotten?: (ids: readonly string[]) => void): Promise<number>;
  /**
   * Invalidates all answers that have one of the tags: no lookup that begins after this returns serves one of them. One round trip,
   * however many there are; they stay in Redis until their TTL ends. An empty list is refused.
   */
  invalidate(tags: readonly string[]): Promise<void>;
  /** Invalidates all answers of this cache in this scope, in the same way. */
  clear(): Promise<void>;
  /** Records a user's feedback on a served answer. It counts as an audit. A wrong answer is deleted, and its wording never becomes its alias again. */
  feedback(found: Pick<Hit<V>, "id" | "match" | "score" | "wording">, right: boolean): Promise<void>;
  /**
   * Records a person's verdict on a near miss: whether the stored question asks the same. It counts as an audit of that score. Deletes
   * nothing and makes no alias. One round trip.
   */
  audit(miss: { readonly score: number }, same: boolean): Promise<void>;
  /**
   * Judges a question that `judge.later` put into a queue; call it in the queue's worker. Returns the verdict `same` or `undefined`.
   * @throws MarrowError `invalid_input`, `unsupported` for a cache without a judge
   */
  judge(job: JudgeJob): Promise<"same" | undefined>;
  /** Returns the audit results so far. One round trip. */
  report(): Promise<CacheReport>;
  /**
   * Looks up the question; on a miss, calls `ask` and stores its answer. Concurrent misses for the same question make one call, in this
   * process and across processes. If Redis or the embedder is unavailable, the result is a `bypass`: `ask` is called, nothing is stored, and
   * the caller sees no error of the cache. An error of `ask` goes to all callers that wait in this process, and is never stored. An answer is
   * not stored if `keep` returns false.
   */
  through(question: string | Question, ask: () => Promise<V>, options?: ThroughOptions<V>): Promise<Through<V>>;
  /**
   * The same for an answer in parts, which must be JSON. A caller that misses while another one's call runs follows that call from its first
   * part on, in this process and across processes. The answer is stored if it ended normally and `toValue` returns a value; never if it
   * failed or was not read to its end. If the leader dies, a follower calls the model again, and readers continue after what they have read;
   * if the new answer begins with other parts, reading throws.
   * @throws MarrowError `conflict` while reading
   */
  stream<P>(
    question: string | Question,
    ask: () => AsyncIterable<P> | Promise<AsyncIterable<P>>,
    options: StreamOptions<V, P>,
  ): Promise<Streamed<P>>;
  /**
   * Joins the flight of a question: what `through` does after its lookup, for callers that look up and store by themselves, as the flow
   * does. A leader must end, fail or leave its flight. One round trip.
   */
  join<T>(question: string | Question, options?: JoinOptions): Promise<Asking<T>>;
}

/** Combines the misses of both tiers: the exact one may have a stale answer, the other one near questions. */
export function bothMissed<V>(exact: Extract<Lookup<V>, { hit: false }>, similar: Lookup<V>): Lookup<V> {
  if (similar.hit) return similar;
  const nearest = exact.nearest ?? similar.nearest;
  return {
    hit: false,
    ...(nearest && { nearest }),
    ...(exact.stale && { stale: exact.stale }),
    ...(similar.withheld && { withheld: similar.withheld }),
  };
}
