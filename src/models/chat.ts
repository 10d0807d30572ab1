/** The parts of OpenAI's chat completions that Marrow reads. All other fields of a request or an answer are passed on unchanged. */

/**
 * The Responses API items that a message consists of, for upstreams with that API, which get them unchanged. JSON omits this field, so
 * other upstreams never see it.
 */
export const ITEMS: unique symbol = Symbol("items");

/**
 * The reasoning text that preceded an assistant's message, for upstreams of kind `chat` that require it back. JSON omits this field; the
 * upstream's dialect decides where it goes.
 */
export const THOUGHTS: unique symbol = Symbol("thoughts");

/**
 * Marks a tool that its client sent in the form of the Responses API, where a function without `strict` is strict. JSON omits this field.
 */
export const NATIVE_TOOL: unique symbol = Symbol("native tool");

/**
 * The user's id of a request, as a client of Anthropic's API sent it, for upstreams with that API. `safety_identifier` has it in at most 64
 * characters. JSON omits this field.
 */
export const USER_ID: unique symbol = Symbol("user id");

/** One message of a request. */
export interface ChatMessage {
  readonly role: string;
  readonly content?: unknown;
  readonly [ITEMS]?: readonly unknown[] | undefined;
  readonly [THOUGHTS]?: string | undefined;
  readonly [field: string]: unknown;
}

/** A request for a completion: the JSON body as the client sent it. */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly stream?: boolean | null | undefined;
  readonly [USER_ID]?: string | undefined;
  readonly [field: string]: unknown;
}

/** Token counts. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly [field: string]: unknown;
}

/** One of the answers in a completion. */
export interface ChatChoice {
  readonly index: number;
  readonly message: ChatMessage;
  readonly finish_reason: string | null;
  readonly [field: string]: unknown;
}

/** A whole completion. */
export interface ChatCompletion {
  readonly id: string;
  readonly object: "chat.completion";
  readonly created: number;
  readonly model: string;
  readonly choices: readonly ChatChoice[];
  readonly usage?: Usage | null | undefined;
  readonly [field: string]: unknown;
}

/** One event of a streamed completion. */
export interface ChatChunk {
  readonly id?: string | undefined;
  readonly created?: number | undefined;
  readonly model?: string | undefined;
  readonly choices?: readonly {
    readonly index?: number | undefined;
    readonly delta?: Readonly<Record<string, unknown>> | null | undefined;
    readonly finish_reason?: string | null | undefined;
  }[];
  readonly usage?: Usage | null | undefined;
  readonly [field: string]: unknown;
}
