import type { Pushable } from "../internal/push.ts";
import type { LongText } from "../internal/long-text.ts";
import type { ForwardedBody } from "./forwarded-body.ts";
import type { ChatChunk, ChatCompletion, ChatRequest } from "./chat.ts";

/** One call of a model. */
export interface ModelCall {
  readonly request: ChatRequest;
  /** The request as JSON bytes, if available unchanged; saves serializing it. */
  readonly body?: Uint8Array | undefined;
  /** Aborts the call. */
  readonly signal?: AbortSignal | undefined;
  /** Time at which the caller stops waiting, by `performance.now()`, for models that try several endpoints. */
  readonly deadlineMs?: number | undefined;
  /** Calls with the same key go to the same healthy endpoint, whose prompt cache has their common prefix. */
  readonly affinity?: string | undefined;
  /** The caller, for sharing an endpoint's concurrency fairly. @default the process itself */
  readonly asker?: Asker | undefined;
  /** Opens memory for one long whole answer of this call. @default no bound on all answers together */
  readonly room?: (() => RoomShare) | undefined;
  /** Whether long texts within a whole completion may be a `LongText`: V8 copies a long string in one go where it is first read. @default false */
  readonly keepsPieces?: boolean | undefined;
}

/** Memory for one long whole answer. */
export interface RoomShare {
  /**
   * Waits until there is memory for so many bytes, before most of the answer is read; called again for more, and with its size once it was read.
   * @throws MarrowError `unavailable` if there is none for too long; or the reason of `signal`
   */
  take(bytes: number, signal?: AbortSignal): Promise<void>;
  /** Gives it back where there is no answer. May be called any number of times. */
  close(): void;
}

/** Caller of a model: a tenant, and one of its users. */
export interface Asker {
  readonly scope: string;
  readonly user: string;
}

/** The endpoint that answered, and the number of calls until then. */
export interface Served {
  readonly upstream: string;
  readonly attempts: number;
}

/** A whole answer: as text, and parsed. */
export interface ModelAnswer {
  /** The original JSON text. */
  readonly text: string;
  /**
   * A long text in pieces, for readers that take them: V8 copies the text in one go where it is first read. Whoever replaces the text replaces
   * the pieces, or leaves them out.
   */
  readonly pieces?: LongText | undefined;
  readonly completion: ChatCompletion;
  /** Absent for a model with one endpoint; its name is the model's. */
  readonly served?: Served | undefined;
}

/** A piece of a streamed answer, and the events that ended in it. */
export interface StreamPart {
  /** Server-sent events, to be forwarded unchanged; a piece may end in the middle of an event. */
  readonly bytes: Uint8Array;
  readonly chunks: readonly ChatChunk[];
  /** True for the piece with the end of the stream, `[DONE]`. */
  readonly done: boolean;
  /**
   * Set if all these chunks repeat the previous one except for text appended to the first answer: the delta's field, the whole text, and
   * the number of chunks. Then `chunks` need not be read; it is computed on access.
   */
  readonly grows?: { readonly field: string; readonly text: string; readonly chunks: number } | undefined;
}

/** A streamed answer. */
export interface ModelStream extends AsyncIterable<StreamPart> {
  [Symbol.asyncIterator](): Pushable<StreamPart>;
  /** Absent for a model with one endpoint; its name is the model's. */
  readonly served?: Served | undefined;
}

/** A model in `GET /v1/models`. */
export interface ModelInfo {
  readonly id: string;
  readonly owned_by: string;
  /** Seconds since 1970. */
  readonly created: number;
}

/**
 * A chat model. If the endpoint refuses or fails, calls reject with `model_failed`, whose details have the HTTP `status`, the endpoint's
 * `error` object if any, and `retryAfterMs`. `timeout` and `aborted` are separate codes.
 */
export interface ChatModel {
  /** Name for `x-marrow-upstream` and metrics; may be absent. */
  readonly name?: string | undefined;
  /** Name of the endpoint whose signed and encrypted reasoning it produces and reads; absent if that does not apply. */
  readonly maker?: string | undefined;
  /** Whether long texts of a request's messages may be a `LongText`. @default false: they are strings */
  readonly takesPieces?: boolean | undefined;
  /** State of the endpoint's concurrency slots. Absent if calls never wait. */
  readonly places?: PlacesView | undefined;
  /** Lists the served models. */
  list(): Promise<readonly ModelInfo[]>;
  /** Returns true if it serves this model id. */
  serves(id: string): boolean;
  /** Requests a whole completion. */
  complete(call: ModelCall): Promise<ModelAnswer>;
  /**
   * Requests a streamed completion. Resolves once the endpoint accepted it (for upstreams, once it has content). Iteration throws if the
   * stream breaks, ends early or is not an event stream. Nothing is buffered after the first content.
   */
  stream(call: ModelCall): Promise<ModelStream>;
  /**
   * Sends a JSON or form body to another path of the endpoint (`/embeddings`, `/audio/transcriptions`) and returns its answer unread.
   * Absent if the model has no other paths. An answer other than 2xx is a `model_failed`, as above. `deadlineMs` and `asker` have the same
   * meaning as in a call.
   */
  forward?(
    path: string,
    body: ForwardedBody,
    signal?: AbortSignal,
    deadlineMs?: number,
    asker?: Asker,
  ): Promise<ForwardedAnswer>;
}

/** Visible state of an endpoint's concurrency slots. */
export interface PlacesView {
  /** Returns true if a call of this asker would be sent at once. */
  isFree(asker: Asker | undefined): boolean;
  /** Returns true if the call with this signal still waits for a slot. */
  isWaiting(signal: AbortSignal): boolean;
}

/** A forwarded answer. Read it to its end, or abandon it. */
export interface ForwardedAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly served?: Served | undefined;
  /** Returns the next piece, or `undefined` at the end. */
  next(): Promise<Uint8Array | undefined>;
  abandon(): void;
}
