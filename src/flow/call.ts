import type { AnswerCost, Cache, Lookup } from "../cache/index.ts";
import type { Decision, Limiter } from "../limiter/index.ts";
import type { Memory } from "../memory/index.ts";
import type { ChatModel, ChatRequest, Prices, Served } from "../models/index.ts";
import type { CacheControl } from "./cache-control.ts";
import type { StoredAnswer } from "./cacheable.ts";
import type { Departure } from "./leaving.ts";
import type { SharedPer, Sharing } from "./sharing.ts";
import type { Answered, Spent } from "./spending.ts";

/** What a flow is made of: the roles of one scope. An absent role is passed over. */
export interface FlowOptions {
  readonly findModel: (id: string) => ChatModel | undefined;
  readonly limiter?: Limiter | undefined;
  /** For rules of cost, and for `onSpent`. @default nothing costs anything */
  readonly prices?: Prices | undefined;
  /** Hears of every answer of a model what it used. Answers of the cache use nothing. */
  readonly onSpent?: ((spent: Spent) => void) | undefined;
  /** Hears of every answer where it came from, and what it cost or saved. */
  readonly onAnswered?: ((answered: Answered) => void) | undefined;
  readonly memory?: Memory | undefined;
  /** Where conversations are that requests name; those must exist already. @default none can be named */
  readonly conversations?: Memory | undefined;
  readonly cache?: Cache<StoredAnswer> | undefined;
  /** Who is served whose answers. @default everybody of the scope everybody's, but personal prompts only their user's */
  readonly sharing?: Sharing | undefined;
  /** Whether a stored answer comes with what it saved. @default false */
  readonly tellsSaved?: boolean | undefined;
  /** Turns of a session given to the model, 1 to 1,000. @default 40 */
  readonly sessionTurns?: number | undefined;
  /**
   * What becomes of an answer whose client left: `finish` reads it to its end where a session or the cache wants it, `cancel` ends the
   * model's call (a session keeps what came). Either way the client's place is free at once, those who read along are served, and what
   * nobody wants is ended. @default "finish"
   */
  readonly onDisconnect?: "finish" | "cancel" | undefined;
  /** How long an answer whose client has gone is still read to its end, in milliseconds. @default 120_000 */
  readonly drainMs?: number | undefined;
  /** Hears of every turn that a session or a conversation took, with its answer: characters of their JSON, about. */
  readonly onKept?: ((kept: KeptTurns) => void) | undefined;
  /** Hears of what could not be done in the background: a role's name and the error. */
  readonly onDegraded?: ((role: "cache" | "memory" | "limiter", error: unknown) => void) | undefined;
}

/** What a session or a conversation took of one request. */
export interface KeptTurns {
  readonly user: string;
  readonly session: string | undefined;
  readonly conversation: string | undefined;
  readonly chars: number;
}

/** One request of one user. */
export interface ChatCall {
  readonly request: ChatRequest;
  /** The request as the client's bytes, when nothing needs to change in it. */
  readonly body?: Uint8Array | undefined;
  /** More that must be equal for one answer to serve two requests, as any JSON: whose the answer is, what the body says beside its text. */
  readonly within?: unknown;
  /** Who asks: subject of the limits, owner of the session. */
  readonly user: string;
  /** The key that it came with, a name or hash and never the key itself: a subject of limits. */
  readonly key?: string | undefined;
  /** Narrows the flow's own sharing for this call; it never widens it. */
  readonly per?: readonly SharedPer[] | undefined;
  /** Decides in place of the flow's own limiter, for this call. */
  readonly limiter?: Limiter | undefined;
  readonly session?: string | undefined;
  /** A conversation in place of a session. */
  readonly conversation?: string | undefined;
  /** How many messages at the beginning stand before the session's turns. @default the instructions that the request begins with */
  readonly lead?: number | undefined;
  /** Names the place of a tool's result whose call the conversation has not, for an error. @default its place in `messages` */
  readonly resultPath?: ((callId: unknown) => string) | undefined;
  /** Names the request: a session keeps the turn of those of one name once. @default a name of its own */
  readonly idempotencyKey?: string | undefined;
  readonly control?: CacheControl | undefined;
  /** Fires when the client left; what becomes of the answer is `onDisconnect`'s. */
  readonly gone?: Departure | undefined;
  /** Whoever calls keeps the answer: it is read to its end without its client. @default false */
  readonly keeps?: boolean | undefined;
  /** When the client no longer waits, by `performance.now()`; `whole`: the answer ends then, else it bounds only how often upstreams are asked. @default none */
  readonly deadline?: { readonly atMs: number; readonly whole: boolean } | undefined;
  /** Ends the model's call; what it said so far is kept by the session, as of a stream that broke. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Where an answer came from. `alias`: the wording was judged the same as a stored question before; `judged`: it was judged so just now; `shared`: it was asked for just then by another request that it serves as well; `bypass`: the cache could not
 * serve this request, or Redis was away.
 */
export type CacheStatus = "exact" | "alias" | "similar" | "judged" | "shared" | "miss" | "bypass";

/** How an answer came about, for headers and metrics. */
export interface Provenance {
  readonly cache: CacheStatus;
  /** Cosine of a hit, or of the nearest miss. */
  readonly similarity?: number | undefined;
  /** Why the nearest stored question was not served. */
  readonly veto?: string | undefined;
  readonly ageMs?: number | undefined;
  /** What a stored answer saved, where the flow `tellsSaved` and somebody knows. */
  readonly saved?: AnswerCost | undefined;
  /** `unavailable`: Redis was away, so the history was not read or the turns were not kept. */
  readonly session?: "kept" | "unavailable" | undefined;
  /** Who served the answer, where a model was asked that has a name. */
  readonly served?: Served | undefined;
  readonly decision?: Decision | undefined;
}

/** A stream of events to be written through. */
export interface AnswerStream extends AsyncIterable<Uint8Array> {
  /**
   * Tells that the client left: its place is free, and the answer is read on while somebody wants it; see `onDisconnect`.
   * Needless after the last piece; harmless at any time. Resolves when nothing more of the answer is read.
   */
  abandon(): Promise<void>;
}

/** What a request comes to. Failures of the model are thrown. */
export type ChatOutcome =
  | { readonly kind: "refused"; readonly decision: Extract<Decision, { allowed: false }> }
  /** `only-if-cached` was asked, and there is nothing. */
  | { readonly kind: "absent"; readonly provenance: Provenance }
  /** A whole completion as JSON. */
  | { readonly kind: "whole"; readonly text: string; readonly provenance: Provenance }
  | { readonly kind: "stream"; readonly stream: AnswerStream; readonly provenance: Provenance };

/** What the cache would make of a request; no model is asked, nothing is stored and nothing is judged. */
export type Explained =
  | { readonly lookedUp: true; readonly found: Lookup<StoredAnswer> }
  /** `off`: there is no cache; `unlike`: its last message is no plain text of a user's, or several answers are wanted. */
  | { readonly lookedUp: false; readonly why: "off" | "unlike" };

/** The sync path of one scope. */
export interface Flow {
  /**
   * Limiter, session and exact lookup in one round trip; then, in one, the similar lookup and the reservation of tokens; then
   * the model, one request at a time for each question, whose answer is given to all who asked it meanwhile; then, in one, cache and
   * session, and the settlement of the tokens. While Redis is away the model answers alone.
   *
   * The turns are in the session before the answer's last byte is handed over, and also when nobody reads on.
   * @throws MarrowError `not_found` for an unknown model or conversation, `model_failed`, `timeout`
   */
  chat(call: ChatCall): Promise<ChatOutcome>;
  /** What the cache would make of a request of no session, with its reasons; no model is asked and nothing is stored. Throws as `lookup` of the cache does. */
  explain(call: Pick<ChatCall, "request" | "user" | "key" | "per" | "control">): Promise<Explained>;
}
