import type { Pushable } from "../internal/push.ts";
import type { AnswerCost, Cache, Lookup } from "../cache/index.ts";
import type { Decision, Limiter } from "../limiter/index.ts";
import type { Memory, Turn } from "../memory/index.ts";
import type { ChatMessage, ChatModel, ChatRequest, Prices, Served } from "../models/index.ts";
import type { CacheControl } from "./cache-control.ts";
import type { StoredAnswer } from "./cacheable.ts";
import type { Departure } from "./leaving.ts";
import type { Recordings } from "./recordings.ts";
import type { SharedPer, Sharing } from "./sharing.ts";
import type { Answered, Spent } from "./spending.ts";

/** What a flow is made of: the roles of one scope. An absent role is passed over. */
export interface FlowOptions {
  /** The tenant, as models know it whose places are shared among tenants. @default "" */
  readonly scope?: string | undefined;
  readonly findModel: (id: string) => ChatModel | undefined;
  readonly limiter?: Limiter | undefined;
  /** For rules of cost, and for `onSpent`. @default nothing costs anything */
  readonly prices?: Prices | undefined;
  /** Called with the usage of every answer of a model. Answers from the cache use nothing. */
  readonly onSpent?: ((spent: Spent) => void) | undefined;
  /** Called for every answer with its origin, and what it cost or saved. */
  readonly onAnswered?: ((answered: Answered) => void) | undefined;
  readonly memory?: Memory | undefined;
  /** Where the conversations are that requests may name; they must exist. @default requests cannot name conversations */
  readonly conversations?: Memory | undefined;
  readonly cache?: Cache<StoredAnswer> | undefined;
  /** Which users share answers. @default all users of the scope, except for personal prompts, whose answers only their own user is served */
  readonly sharing?: Sharing | undefined;
  /** Whether a stored answer reports what it saved. @default false */
  readonly tellsSaved?: boolean | undefined;
  /** Turns of a session given to the model, 1 to 1,000. @default 40 */
  readonly sessionTurns?: number | undefined;
  /**
   * What happens to an answer after its client disconnected. `finish` reads it to its end if a session or the cache needs it; `cancel` ends
   * the model call, and a session keeps what had arrived. In both cases the client's concurrency slot is released at once (within the bound
   * of `departed`), followers are served, and a call that nobody needs is ended. @default "finish"
   */
  readonly onDisconnect?: "finish" | "cancel" | undefined;
  /**
   * Counts the calls of a limiter that go on without their client. Where it refuses, a call that only the cache needs is ended, and another
   * one keeps its concurrency slot until its end. @default such calls have no bound
   */
  readonly departed?: ((limiter: Limiter) => Limiter | undefined) | undefined;
  /** How long an answer is read on after its client disconnected, in milliseconds. @default 120_000 */
  readonly drainMs?: number | undefined;
  /** Called for every question and answer that a session or conversation stored, with their approximate size in characters of JSON. */
  readonly onKept?: ((kept: KeptTurns) => void) | undefined;
  /** Called when background work fails, with the role's name and the error. */
  readonly onDegraded?: ((role: "cache" | "memory" | "limiter" | "recorder", error: unknown) => void) | undefined;
  /**
   * What is recorded of streams, of all flows that share it; see `createRecordings`. A stream that has no room there goes on: it is not
   * cached, its session keeps what was recorded as `incomplete`, and `onDegraded` hears of `recorder`. @default 128 MiB for this flow
   */
  readonly recordings?: Recordings | undefined;
}

/** What a session or conversation stored of one request. */
export interface KeptTurns {
  readonly user: string;
  readonly session: string | undefined;
  readonly conversation: string | undefined;
  readonly chars: number;
}

/** How a call is kept where what was said is more than its messages. */
export interface KeptAs {
  /** What is said now, in its order; turns that messages are made of, one or several of one. Instructions among them are kept. */
  readonly said: readonly Turn[];
  /** The answer's message as a turn. */
  toAnswer(message: ChatMessage): Turn;
}

/** One request of one user. */
export interface ChatCall {
  readonly request: ChatRequest;
  /** The request as the client's bytes, if nothing has to be changed in it. */
  readonly body?: Uint8Array | undefined;
  /** Further JSON that must be equal for one answer to serve two requests, such as the owner, or other fields of the body. */
  readonly within?: unknown;
  /** The user: subject of the limits and owner of the session. */
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
  /** How the session or conversation keeps this call. @default its messages, without instructions, and the answer's message */
  readonly kept?: KeptAs | undefined;
  /** How many messages at the beginning stand before the session's turns. @default the instructions that the request begins with */
  readonly lead?: number | undefined;
  /** For an error: the path of a tool result whose call is not in the conversation. @default its index in `messages` */
  readonly resultPath?: ((callId: unknown) => string) | undefined;
  /** Names the request: a session stores the turns of requests with the same name once. @default a unique name */
  readonly idempotencyKey?: string | undefined;
  readonly control?: CacheControl | undefined;
  /** Fires when the client disconnects; `onDisconnect` says what happens to the answer. */
  readonly gone?: Departure | undefined;
  /** The caller stores the answer itself, so it is read to its end even without its client. @default false */
  readonly keeps?: boolean | undefined;
  /** The caller puts the streamed answer together itself: a stream that finds no room to be recorded fails with `too_large`. @default false */
  readonly whole?: boolean | undefined;
  /** When the client stops waiting, by `performance.now()`. `whole`: the answer ends then; otherwise it bounds only retries. @default none */
  readonly deadline?: { readonly atMs: number; readonly whole: boolean } | undefined;
  /** Ends the model call. The session keeps what had arrived, as for an interrupted stream. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Where an answer came from. `alias`: an earlier judgement says that this wording asks the same as a stored question; `judged`: the judge
 * said so just now; `shared`: a concurrent request for the same answer made the call; `bypass`: the cache could not serve this request, or
 * Redis was unavailable.
 */
export type CacheStatus = "exact" | "alias" | "similar" | "judged" | "shared" | "miss" | "bypass";

/** The origin of an answer, for headers and metrics. */
export interface Provenance {
  readonly cache: CacheStatus;
  /** Cosine of a hit, or of the nearest miss. */
  readonly similarity?: number | undefined;
  /** Why the nearest stored question was not served. */
  readonly veto?: string | undefined;
  readonly ageMs?: number | undefined;
  /** What a stored answer saved, if the flow has `tellsSaved` and the cost is known. */
  readonly saved?: AnswerCost | undefined;
  /** `unavailable`: Redis was unavailable, so the history was not read or the turns were not stored. */
  readonly session?: "kept" | "unavailable" | undefined;
  /** The upstream that served the answer, if a named one was called. */
  readonly served?: Served | undefined;
  readonly decision?: Decision | undefined;
}

/** A stream of events to be written through. */
export interface AnswerStream extends AsyncIterable<Uint8Array> {
  [Symbol.asyncIterator](): Pushable<Uint8Array>;
  /**
   * Reports that the client disconnected: its concurrency slot is released, and the answer is read on only as `onDisconnect` says.
   * Not needed after the last piece, and harmless at any time. Resolves when reading has ended.
   */
  abandon(): Promise<void>;
}

/** The result of a request. Failures of the model are thrown. */
export type ChatOutcome =
  | { readonly kind: "refused"; readonly decision: Extract<Decision, { allowed: false }> }
  /** The request said `only-if-cached`, and there is no stored answer. */
  | { readonly kind: "absent"; readonly provenance: Provenance }
  /** A whole completion as JSON. */
  | { readonly kind: "whole"; readonly text: string; readonly provenance: Provenance }
  | { readonly kind: "stream"; readonly stream: AnswerStream; readonly provenance: Provenance };

/** What the cache would do with a request. No model is called, and nothing is stored or judged. */
export type Explained =
  | { readonly lookedUp: true; readonly found: Lookup<StoredAnswer> }
  /** `off`: there is no cache; `unlike`: the last message is not a user's plain text, or the request wants several answers. */
  | { readonly lookedUp: false; readonly why: "off" | "unlike" };

/** The sync path of one scope. */
export interface Flow {
  /**
   * First round trip: limiter, session and exact lookup. Second: similar lookup and reservation of tokens. Then the model is called, once
   * for all concurrent requests for the same answer. Last round trip: cache, session and settlement of the tokens. If Redis is unavailable,
   * the model answers without it.
   *
   * The turns are in the session before the caller receives the answer's last byte, and also if nobody reads on.
   * @throws MarrowError `not_found` for an unknown model or conversation, `model_failed`, `timeout`
   */
  chat(call: ChatCall): Promise<ChatOutcome>;
  /** What the cache would make of a request of no session, with its reasons; no model is asked and nothing is stored. Throws as `lookup` of the cache does. */
  explain(call: Pick<ChatCall, "request" | "user" | "key" | "per" | "control">): Promise<Explained>;
}
