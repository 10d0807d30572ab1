import type { Asking, JoinOptions } from "./asking.ts";
import type { AnswerCost } from "./cost.ts";
import type { JudgeJob } from "./judging/index.ts";
import type { Refusal } from "./judge.ts";
import type { Question } from "./question.ts";

/** The nearest stored question: why it was not served. */
export interface Nearest {
  readonly similarity: number;
  readonly score: number;
  readonly veto: Refusal;
}

/** How a lookup came out: enough to understand it, and to play it through again. Holds prompts: the one that was asked, and those near to it. */
export interface Explanation {
  readonly partition: string;
  readonly id: string;
  /** The prompt as it was compared. */
  readonly asked: string;
  /** The prompt refers to something said before that is not part of the question, so nothing was looked up. */
  readonly followUp: boolean;
  readonly scoredBy: "verifier" | "cosine";
  readonly floor: number;
  readonly threshold: number;
  readonly candidates: readonly {
    readonly id: string;
    readonly similarity: number;
    readonly score: number;
    readonly veto?: Refusal | undefined;
    /** The stored wording, where it was compared. */
    readonly prompt?: string | undefined;
  }[];
}

/** A stored answer that serves. */
export interface Hit<V> {
  readonly hit: true;
  /**
   * `exact`: the same question; `alias`: a wording that was judged the same before; `similar`: a question that is proven to ask the same; `judged`: one that the judge found the same just now.
   */
  readonly match: "exact" | "alias" | "similar" | "judged";
  /** Names the entry: for `forget` and `feedback`. */
  readonly id: string;
  readonly value: V;
  /** The prompt that the answer was stored under, as it is compared. */
  readonly prompt: string;
  /** Cosine, 0 to 1; 1 for an exact match. */
  readonly similarity: number;
  /** What the threshold was held against; 1 for an exact match. */
  readonly score: number;
  /** Since it was stored, in milliseconds. */
  readonly ageMs: number;
  /** What the answer cost when it was made, and so what the hit saves; absent where its entry was stored without. */
  readonly cost?: AnswerCost | undefined;
  /** The asked wording, of an `alias` and a `judged` hit: for `feedback`. */
  readonly wording?: string | undefined;
  readonly explanation?: Explanation | undefined;
}

/** A stored answer that serves, or a miss. */
export type Lookup<V> =
  | Hit<V>
  | {
      readonly hit: false;
      readonly nearest?: Nearest | undefined;
      /** An answer to this very question whose life is over, within `staleMs`. */
      readonly stale?: { readonly value: V; readonly ageMs: number } | undefined;
      /** What would have been served, had the policy had the evidence. Never serve it. */
      readonly withheld?: { readonly id: string; readonly value: V; readonly score: number } | undefined;
      readonly explanation?: Explanation | undefined;
    };

/** Bounds of one lookup. */
export interface LookupOptions {
  /** Oldest answer that may be served, in milliseconds since it was stored. @default any age within its life */
  readonly maxAgeMs?: number | undefined;
  /** Which tiers are asked. @default "both" */
  readonly tiers?: "exact" | "similar" | "both" | undefined;
  /** Whether a near miss may go to the judge, which keeps the asked wording as an alias. @default true where the cache has a judge */
  readonly judge?: boolean | undefined;
  /** Gives the answer its {@link Explanation}. @default false */
  readonly explain?: boolean | undefined;
  /** Whose question it is: an alias is forgotten with this subject. @default nobody's */
  readonly subject?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How one answer is stored. */
export interface StoreOptions {
  /** Life of this entry in milliseconds, 1 to 366 days. @default the cache's `ttlMs` */
  readonly ttlMs?: number | undefined;
  /** What an answer from this entry saves, in any unit (tokens, money), 0 or more: in a cache with bounds what saves most stays. @default 1 */
  readonly saves?: number | undefined;
  /** What the answer cost: every hit on the entry tells of it. @default unknown */
  readonly cost?: AnswerCost | undefined;
  /** Whose question it is, for {@link Cache.forgetSubject}. Who may be served it does not change. @default nobody's */
  readonly subject?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link Cache.through}. */
export interface ThroughOptions<V> extends LookupOptions, StoreOptions {
  /** Whether an answer may be stored. @default always */
  readonly keep?: ((value: V) => boolean) | undefined;
  /**
   * Whether processes that miss one question at once, or questions that one answer serves, ask once: the others wait for the one that
   * asks, and take over when it dies.
   * @default true
   */
  readonly singleFlight?: boolean | undefined;
}

/** What {@link Cache.through} answers: the value, and where it came from. */
export type Through<V> =
  /** `stale`: its life is over; it is asked for again behind the caller's back, or asking failed. */
  | {
      readonly source: "exact" | "alias" | "similar" | "judged" | "stale";
      readonly value: V;
      readonly similarity: number;
      readonly ageMs: number;
    }
  /** Fresh: asked for here (`miss`), by another process at the same time (`shared`), or past the cache (`bypass`). */
  | { readonly source: "miss" | "shared" | "bypass"; readonly value: V };

/** Options of {@link Cache.stream}. */
export interface StreamOptions<V, P> extends ThroughOptions<V> {
  /** The answer that all parts make, or `undefined` when it must not be stored. */
  readonly toValue: (parts: readonly P[]) => V | undefined;
  /** A stored answer as parts. */
  readonly toParts: (value: V) => Iterable<P>;
}

/** What {@link Cache.stream} answers: an answer in parts, as they come. */
export interface Streamed<P> {
  readonly source: Through<unknown>["source"];
  /** Read it to its end, once. Who stops reading earlier stops an asking that nobody else reads. */
  readonly parts: AsyncIterable<P>;
}

/** What a cache has learned. */
export interface CacheReport {
  /** Near questions that nothing spoke against, and that the policy did not serve. */
  readonly withheld: number;
  /** Stored answers that a judge or a user compared with fresh ones. */
  readonly audited: number;
  readonly wrong: number;
  readonly liked: number;
  readonly disliked: number;
  /** Score from which near questions are served by now; absent: none are. */
  readonly threshold?: number | undefined;
  /** What became of near misses that went to the judge, by {@link JudgeCount}. */
  readonly judge: Readonly<Record<string, number>>;
}

/** The answers of one scope. `V` must be JSON. */
export interface Cache<V> {
  /**
   * Finds a stored answer: the exact tier first, which never embeds; then the nearest questions of the same `within` and `context`,
   * each of which needs a proof that it asks the same, and the policy's consent. One round trip for an exact hit, two otherwise; one more for
   * an answer with tags after something was invalidated. With a judge, near misses go to it: in the background at no cost to the lookup; in
   * `serving` the lookup waits for at most its deadline, four round trips more.
   * @throws MarrowError `unavailable` or `timeout` when Redis is away, `embedder_failed`, `invalid_input`
   */
  lookup(question: string | Question, options?: LookupOptions): Promise<Lookup<V>>;
  /**
   * Stores an answer under both tiers, replacing the one of the same question: one round trip. What was looked up before is as old as
   * its lookup: an invalidation in between ends it. Answers whether it was stored: an entry over `entryBytesMax` is not, nor is one
   * whose question leans on something that was not said, or whose `subject` was forgotten after the lookup.
   */
  store(question: string | Question, value: V, options?: StoreOptions): Promise<boolean>;
  /** Ends one answer now, with its aliases. Its question may stay in the index for a while, where it serves nothing. One round trip. */
  forget(question: string | Question | { readonly id: string }): Promise<boolean>;
  /**
   * Takes away all answers that were stored with this `subject`: bodies, vectors and accounts, now. Answers how many there were; `onForgotten`
   * is told their ids, some of which may have ended before. May be called again when it broke off. One round trip for 256.
   */
  forgetSubject(subject: string, onForgotten?: (ids: readonly string[]) => void): Promise<number>;
  /**
   * Ends all answers that bear one of the tags: no lookup that begins after this returns serves one. However many there are, one round
   * trip; they leave Redis with their life. An empty list is refused.
   */
  invalidate(tags: readonly string[]): Promise<void>;
  /** Ends all answers of this cache in this scope, the same way. */
  clear(): Promise<void>;
  /** A user's word on a served answer: counts as an audit; a wrong one is forgotten, and its wording is no alias of it again. */
  feedback(found: Pick<Hit<V>, "id" | "match" | "score" | "wording">, right: boolean): Promise<void>;
  /**
   * Has a question judged that `judge.later` put into a queue: for the worker of that queue. Returns the verdict `same` or `undefined`.
   * @throws MarrowError `invalid_input`, `unsupported` for a cache without a judge
   */
  judge(job: JudgeJob): Promise<"same" | undefined>;
  /** What was audited so far. One round trip. */
  report(): Promise<CacheReport>;
  /**
   * Looks up and, on a miss, asks and stores. Callers who miss the same question at once ask once, in this process and in others. Redis
   * or the embedder being away is a `bypass`: the question is asked, nothing is stored, nobody sees an error of the cache.
   * What `ask` throws goes to all who wait in this process, and is never stored. The answer is not kept when `keep` says no.
   */
  through(question: string | Question, ask: () => Promise<V>, options?: ThroughOptions<V>): Promise<Through<V>>;
  /**
   * The same for an answer that comes in parts, which must be JSON: who misses while another one asks reads along from the first part on, in
   * this process and in others. Stored when it ended by itself and `toValue` makes a value of it; never when it broke or was not read to
   * its end. When the one who asks is gone, the next one asks again, and who has read something already goes on after it; should the new
   * answer begin with other parts, the reading throws.
   * @throws MarrowError `conflict` while reading
   */
  stream<P>(
    question: string | Question,
    ask: () => AsyncIterable<P> | Promise<AsyncIterable<P>>,
    options: StreamOptions<V, P>,
  ): Promise<Streamed<P>>;
  /**
   * Joins those who ask a question just now: what `through` does after its lookup, for who looks up and stores by themselves, as the flow
   * does. Whoever leads must end, fail or leave. One round trip.
   */
  join<T>(question: string | Question, options?: JoinOptions): Promise<Asking<T>>;
}
