import type { Pushable } from "../internal/push.ts";
import type { ForwardedBody } from "./forwarded-body.ts";
import type { ChatChunk, ChatCompletion, ChatRequest } from "./chat.ts";

/** One call of a model. */
export interface ModelCall {
  readonly request: ChatRequest;
  /** The request as JSON bytes, when they are at hand unchanged: saves writing them again. */
  readonly body?: Uint8Array | undefined;
  /** Ends the call upstream. */
  readonly signal?: AbortSignal | undefined;
  /** When whoever asks no longer waits, by `performance.now()`: for models that ask several endpoints in turn. */
  readonly deadlineMs?: number | undefined;
  /** Calls with the same name go to one endpoint of several while it is well: its prompt cache knows what they begin with. */
  readonly affinity?: string | undefined;
  /** Who asks, among whom an endpoint's places are shared. @default the process itself */
  readonly asker?: Asker | undefined;
}

/** Who calls a model: a tenant, and one of its users. */
export interface Asker {
  readonly scope: string;
  readonly user: string;
}

/** Who served an answer, of the endpoints that a model may ask, and how many calls that took. */
export interface Served {
  readonly upstream: string;
  readonly attempts: number;
}

/** A whole answer: as it came, and read. */
export interface ModelAnswer {
  /** The JSON text as it came. */
  readonly text: string;
  readonly completion: ChatCompletion;
  /** Absent where there is one endpoint: the model's name says which. */
  readonly served?: Served | undefined;
}

/** A piece of a streamed answer as it came over the wire, and the events that ended in it. */
export interface StreamPart {
  /** Server-sent events, to be handed on untouched; a piece may end in the middle of an event. */
  readonly bytes: Uint8Array;
  readonly chunks: readonly ChatChunk[];
  /** True for the piece that holds the end of the stream, `[DONE]`. */
  readonly done: boolean;
  /**
   * Set by a model that knows that all these chunks repeat the stream's chunk before them, but for the text by which the first answer grows: the
   * field of the delta, and the text of all. Then nobody needs to read the chunks, which are made when somebody does.
   */
  readonly grows?: { readonly field: string; readonly text: string; readonly chunks: number } | undefined;
}

/** A streamed answer. */
export interface ModelStream extends AsyncIterable<StreamPart> {
  [Symbol.asyncIterator](): Pushable<StreamPart>;
  /** Absent where there is one endpoint: the model's name says which. */
  readonly served?: Served | undefined;
}

/** What `GET /v1/models` tells of a model. */
export interface ModelInfo {
  readonly id: string;
  readonly owned_by: string;
  /** Seconds since 1970. */
  readonly created: number;
}

/**
 * A prompt goes in, an answer comes out. An endpoint that refuses or fails is a `model_failed` whose details hold the HTTP
 * `status`, the endpoint's own `error` object where it gave one, and `retryAfterMs`; `timeout` and `aborted` are their own.
 */
export interface ChatModel {
  /** Who it is, for `x-marrow-upstream` and metrics; absent for one without a name. */
  readonly name?: string | undefined;
  /** Which endpoint its signed and encrypted reasoning is of; absent where that is one model's matter. */
  readonly maker?: string | undefined;
  /** Where its calls may have to wait for one another: whether they would, and whether they do. Absent where they never wait. */
  readonly places?: PlacesView | undefined;
  /** The models that it serves. */
  list(): Promise<readonly ModelInfo[]>;
  /** Whether a request for this model id goes here. */
  serves(id: string): boolean;
  /** A whole completion. */
  complete(call: ModelCall): Promise<ModelAnswer>;
  /**
   * A streamed completion. Resolves once the endpoint accepted it (an upstream's, once it said something); the iteration throws when the stream
   * breaks, ends early or is no event stream. Nothing is buffered beyond that beginning.
   */
  stream(call: ModelCall): Promise<ModelStream>;
  /**
   * Sends a body, JSON or a form, to another path of the endpoint (`/embeddings`, `/audio/transcriptions`) and hands its answer on. Absent where a model has no other
   * paths. An answer that is no 2xx is a `model_failed`, as above. `deadlineMs` and `asker` are as those of a call.
   */
  forward?(
    path: string,
    body: ForwardedBody,
    signal?: AbortSignal,
    deadlineMs?: number,
    asker?: Asker,
  ): Promise<ForwardedAnswer>;
}

/** What is to be seen of the places of an endpoint. */
export interface PlacesView {
  /** Whether a call of this asker would be sent at once. */
  isFree(asker: Asker | undefined): boolean;
  /** Whether the call that this signal ends has not been sent, for want of a place. */
  isWaiting(signal: AbortSignal): boolean;
}

/** An answer to be handed on. Read to its end, or abandoned. */
export interface ForwardedAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly served?: Served | undefined;
  /** The next piece, or `undefined` at the end. */
  next(): Promise<Uint8Array | undefined>;
  abandon(): void;
}
