import type { Pushable } from "../internal/push.ts";
import type { AnswerCost, Cache, Lookup } from "../cache/index.ts";
import type { Decision, Limiter } from "../limiter/index.ts";
import type { LongText } from "../internal/long-text.ts";
import type { Memory, Turn } from "../memory/index.ts";
import type { ChatMessage, ChatModel, ChatRequest, Prices, Served } from "../models/index.ts";
import type { AnswerRoom } from "./answer-room.ts";
import type { CacheControl } from "./cache-control.ts";
import type { StoredAnswer } from "./cacheable.ts";
import type { Departure } from "./leaving.ts";
import type { Recordings } from "./recordings.ts";
import type { SharedPer, Sharing } from "./sharing.ts";
import type { Answered, Spent } from "./spending.ts";

/** Options of a flow: the roles of one scope. Absent roles are skipped. */
export interface FlowOptions {
  /** The tenant, for models whose concurrency is shared among tenants. @default "" */
  readonly scope?: string | undefined;
  readonly findModel: (id: string) => ChatModel | undefined;
  readonly limiter?: Limiter | undefined;
  /** Prices of models, for rules of cost and for `onSpent`. @default no costs */
  readonly prices?: Prices | undefined;
  /** Called with the usage of every model answer. Answers from the cache use nothing. */
  readonly onSpent?: ((spent: Spent) => void) | undefined;
  /** Called for every answer with its origin, and its cost or savings. */
  readonly onAnswered?: ((answered: Answered) => void) | undefined;
  readonly memory?: Memory | undefined;
  /** Storage of the conversations that requests may name; they must exist. @default requests cannot name conversations */
  readonly conversations?: Memory | undefined;
  readonly cache?: Cache<StoredAnswer> | undefined;
  /** Users that share answers. @default all users of the scope, but answers to personal prompts only within one user */
  readonly sharing?: Sharing | undefined;
  /** Whether a stored answer reports the savings. @default false */
  readonly tellsSaved?: boolean | undefined;
  /** Turns of a session sent to the model, 1 to 1,000. @default 40 */
  readonly sessionTurns?: number | undefined;
  /**
   * What happens to an answer after its client disconnected.
   *
   * `finish` reads it to its end if a session or the cache needs it. `cancel` ends the model call, and a session stores the part that had
   * arrived. In both cases the client's concurrency slot is released at once (within the bound of `departed`), followers are served, and a
   * call that nobody needs is ended. @default "finish"
   */
  readonly onDisconnect?: "finish" | "cancel" | undefined;
  /**
   * Returns a limiter for calls that continue without their client. If it refuses, a call that only the cache needs is ended, and any other
   * keeps its concurrency slot until its end. @default no bound on such calls
   */
  readonly departed?: ((limiter: Limiter) => Limiter | undefined) | undefined;
  /** Time that an answer is read on after its client disconnected, in milliseconds. @default 120_000 */
  readonly drainMs?: number | undefined;
  /** Called for every question and answer that a session or conversation stored, with their approximate size in characters of JSON. */
  readonly onKept?: ((kept: KeptTurns) => void) | undefined;
  /** Called when background work fails, with the role's name and the error. */
  readonly onDegraded?: ((role: "cache" | "memory" | "limiter" | "recorder", error: unknown) => void) | undefined;
  /**
   * Memory budget for recorded streams, which flows may share; see `createRecordings`. A stream that no longer fits continues, but it is
   * not cached, its session stores the recorded part as `incomplete`, and `onDegraded` gets `recorder`. @default 128 MiB for this flow
   */
  readonly recordings?: Recordings | undefined;
  /**
   * Bound of long whole answers, which flows may share; see `createAnswerRoom`. An answer of over 1 MiB is read on once there is room, and
   * takes it until its client has it. @default no bound
   */
  readonly answerRoom?: AnswerRoom | undefined;
}

/** Turns that a session or conversation stored for one request. */
export interface KeptTurns {
  readonly user: string;
  readonly session: string | undefined;
  readonly conversation: string | undefined;
  readonly chars: number;
}

/** Turns to store for a call that has more than its messages. */
export interface KeptAs {
  /** The new turns in order. A message may consist of several turns. Instructions among them are stored. */
  readonly said: readonly Turn[];
  /** Converts the answer's message to a turn. */
  toAnswer(message: ChatMessage): Turn;
}

/** One request of one user. */
export interface ChatCall {
  readonly request: ChatRequest;
  /** The request as the client's bytes, if it can be sent unchanged. */
  readonly body?: Uint8Array | undefined;
  /** Further JSON that must be equal for two requests to share an answer, such as the owner, or other fields of the body. */
  readonly within?: unknown;
  /** The user: a subject of limits, and the owner of the session. */
  readonly user: string;
  /** Name or hash of the API key, never the key itself: a subject of limits. */
  readonly key?: string | undefined;
  /** Narrows the flow's own sharing for this call; it never widens it. */
  readonly per?: readonly SharedPer[] | undefined;
  /** Replaces the flow's own limiter for this call. */
  readonly limiter?: Limiter | undefined;
  readonly session?: string | undefined;
  /** A conversation instead of a session. */
  readonly conversation?: string | undefined;
  /** Turns that the session or conversation stores for this call. @default its messages without instructions, and the answer's message */
  readonly kept?: KeptAs | undefined;
  /** Number of initial messages placed before the session's turns. @default the instructions at the start of the request */
  readonly lead?: number | undefined;
  /** Returns the path, for an error, of a tool result whose call is not in the conversation. @default its index in `messages` */
  readonly resultPath?: ((callId: unknown) => string) | undefined;
  /** Identifies the request: a session stores the turns of requests with the same key once. @default a unique key */
  readonly idempotencyKey?: string | undefined;
  readonly control?: CacheControl | undefined;
  /** Fires when the client disconnects; `onDisconnect` decides what happens to the answer. */
  readonly gone?: Departure | undefined;
  /** The caller stores the answer itself, so it is read to its end even without its client. @default false */
  readonly keeps?: boolean | undefined;
  /** The caller assembles the streamed answer itself: a stream that exceeds the recording budget fails with `too_large`. @default false */
  readonly whole?: boolean | undefined;
  /** When the client stops waiting, by `performance.now()`. `whole`: the answer ends then; otherwise it bounds only retries. @default none */
  readonly deadline?: { readonly atMs: number; readonly whole: boolean } | undefined;
  /** Ends the model call. The session stores the part that had arrived, as for an interrupted stream. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Origin of an answer.
 *
 * - `exact`, `similar`: a stored answer. `alias`: stored, for a wording that the judge found the same before; `judged`: the judge found it
 * the same now.
 * - `shared`: a concurrent request for the same answer made the call. `miss`: this request made it.
 * - `bypass`: the cache could not serve this request, or Redis was unavailable.
 */
export type CacheStatus = "exact" | "alias" | "similar" | "judged" | "shared" | "miss" | "bypass";

/** The origin of an answer, for headers and metrics. */
export interface Provenance {
  readonly cache: CacheStatus;
  /** Cosine of a hit, or of the nearest question of a miss. */
  readonly similarity?: number | undefined;
  /** Reason why the nearest stored question was not served. */
  readonly veto?: string | undefined;
  readonly ageMs?: number | undefined;
  /** Savings of a stored answer, if the flow has `tellsSaved` and the cost is known. */
  readonly saved?: AnswerCost | undefined;
  /** `unavailable`: Redis was unavailable, so the history was not read or the turns were not stored. */
  readonly session?: "kept" | "unavailable" | undefined;
  /** The upstream that answered, if a named one was called. */
  readonly served?: Served | undefined;
  readonly decision?: Decision | undefined;
}

/** A stream of events to send to the client. */
export interface AnswerStream extends AsyncIterable<Uint8Array> {
  [Symbol.asyncIterator](): Pushable<Uint8Array>;
  /**
   * Reports that the client disconnected: its concurrency slot is released, and `onDisconnect` decides about the rest. Not needed after the
   * last piece, and harmless at any time. Resolves when reading has ended.
   */
  abandon(): Promise<void>;
}

/** The result of a request. Failures of the model are thrown. */
export type ChatOutcome =
  | { readonly kind: "refused"; readonly decision: Extract<Decision, { allowed: false }> }
  /** The request has `only-if-cached`, and there is no stored answer. */
  | { readonly kind: "absent"; readonly provenance: Provenance }
  /** A complete answer as JSON; a long one is in pieces, too. */
  | {
      readonly kind: "whole";
      readonly text: string;
      readonly pieces?: LongText | undefined;
      readonly provenance: Provenance;
    }
  | { readonly kind: "stream"; readonly stream: AnswerStream; readonly provenance: Provenance };

/** The cache's decision about a request. No model is called, and nothing is stored or judged. */
export type Explained =
  | { readonly lookedUp: true; readonly found: Lookup<StoredAnswer> }
  /** `off`: there is no cache; `unlike`: the last message is not a user's plain text, or the request wants several answers. */
  | { readonly lookedUp: false; readonly why: "off" | "unlike" };

/** The request path of one scope: limits, sessions, cache and models. */
export interface Flow {
  /**
   * Answers a request. Calls of the model are shared by concurrent requests for the same answer.
   *
   * First round trip: limiter, session and exact lookup. Second: similar lookup and reservation of tokens. Then the model is called. Last
   * round trip: cache, session and settlement of the tokens. If Redis is unavailable, the model answers without it.
   *
   * The session has the turns before the caller receives the answer's last byte, even if the client stops reading.
   * @throws MarrowError `not_found` for an unknown model or conversation, `model_failed`, `timeout`
   */
  chat(call: ChatCall): Promise<ChatOutcome>;
  /**
   * Explains the cache's decision about a request without a session. Calls no model and stores nothing. Throws like the cache's `lookup`.
   */
  explain(call: Pick<ChatCall, "request" | "user" | "key" | "per" | "control">): Promise<Explained>;
}
