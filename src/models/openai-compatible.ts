import { Pool } from "undici";
import { MarrowError } from "../errors.ts";
import { checkInteger, refuse } from "../internal/check.ts";
import { maskSecrets } from "../internal/mask.ts";
import { estimateTokens } from "../internal/token-estimate.ts";
import { toRetryAfterMs } from "../internal/retry-after.ts";
import type { ChatChunk, ChatCompletion } from "./chat.ts";
import { BodyTooLarge, sendRequest, type HttpAnswer } from "./http.ts";
import type { ChatModel, ModelCall, ModelInfo, StreamPart } from "./model.ts";
import { AMENDMENTS_MAX, createDialect, type DialectOptions } from "./dialect.ts";
import { decoded } from "./encoded.ts";
import { createEventReader } from "./sse.ts";

/** Where an OpenAI-compatible endpoint is. */
export interface OpenaiModelOptions extends DialectOptions {
  /** Start of the endpoint, such as `https://api.openai.com/v1`; `/chat/completions` is added. */
  readonly baseUrl: string;
  /** Bearer token; never logged. */
  readonly apiKey?: string | undefined;
  /** The model ids that go here. Absent: every id. */
  readonly ids?: readonly string[] | undefined;
  /** Further headers of every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Connections kept at most. @default 256 */
  readonly connections?: number | undefined;
  /** Longest wait for the first byte, in milliseconds: models think. @default 300_000 */
  readonly firstByteTimeoutMs?: number | undefined;
  /** Longest silence within an answer, in milliseconds. @default 60_000 */
  readonly idleTimeoutMs?: number | undefined;
  /** The endpoint's own limits: asked before each call, and told of each answer. @default none is kept */
  readonly lane?: LaneGate | undefined;
  /** Largest answer that is not streamed, in bytes. @default 33_554_432 */
  readonly answerBytesMax?: number | undefined;
}

/** A call that an endpoint refused. */
export interface RefusedCall {
  /** Tokens that were sent, about. */
  readonly tokens: number;
  readonly code?: string | undefined;
  readonly message?: string | undefined;
}

/** Keeps the limits of an endpoint. */
export interface LaneGate {
  /** Resolves when a call of about so many tokens may go. @throws MarrowError `rate_limited` */
  enter(model: string, tokens: number): Promise<void>;
  /** Hears the head of every answer; of one that is an error also what was sent and the endpoint's words. */
  learn(model: string, status: number, headers: HttpAnswer["headers"], refused?: RefusedCall): void;
}

const LIST_KEPT_MS = 60_000;
const ERROR_BYTES_MAX = 65_536;

/** A model behind any endpoint that speaks OpenAI's chat completions, over a pool of kept connections. */
export function openaiModel(options: OpenaiModelOptions): ChatModel & { close(): Promise<void> } {
  const url = parseUrl(options.baseUrl);
  const { lane } = options;
  const positive = { min: 1 };
  const answerBytesMax = checkInteger("answerBytesMax", options.answerBytesMax ?? 32 * 1_048_576, positive);
  const pool = new Pool(url.origin, {
    connections: checkInteger("connections", options.connections ?? 256, positive),
    headersTimeout: checkInteger("firstByteTimeoutMs", options.firstByteTimeoutMs ?? 300_000, positive),
    bodyTimeout: checkInteger("idleTimeoutMs", options.idleTimeoutMs ?? 60_000, positive),
    keepAliveTimeout: 30_000,
  });
  const start = url.pathname.replace(/\/+$/, "");
  const headers = {
    "content-type": "application/json",
    ...(options.apiKey !== undefined && { authorization: `Bearer ${options.apiKey}` }),
    ...options.headers,
  };
  const secrets = [options.apiKey ?? "", ...Object.values(options.headers ?? {})];
  const ids = options.ids === undefined ? undefined : new Set(options.ids);
  const dialect = createDialect(options);
  let listed: { readonly models: readonly ModelInfo[]; readonly untilMs: number } | undefined;

  /** Asks in the endpoint's dialect; a refusal that names a field is learned from, and the request asked again without it. */
  async function post(call: ModelCall): Promise<HttpAnswer> {
    let request = dialect.adapt(call.request);
    let learn: (() => void) | undefined;
    for (let amendments = 0; ; amendments += 1) {
      const body = request === call.request ? call.body : undefined;
      const { answer, tokens } = await send({ request, body, signal: call.signal });
      if (answer.status === 200) {
        lane?.learn(request.model, answer.status, answer.headers);
        learn?.();
        return answer;
      }
      const text = await answer.whole(ERROR_BYTES_MAX).then(String, () => "");
      // A refusal for the request's own sake closes nothing: the endpoint's words tell.
      lane?.learn(request.model, answer.status, answer.headers, { tokens, message: text });
      const amended = isRefusal(answer.status) ? dialect.amend(request, text) : undefined;
      if (amended === undefined || amendments >= AMENDMENTS_MAX) throw toModelError(answer, text, secrets);
      const before = learn;
      ({ request } = amended);
      learn = () => {
        before?.();
        amended.learn();
      };
    }
  }

  async function send({ request, body, signal }: ModelCall) {
    const path = `${start}/chat/completions`;
    const sent = { path, method: "POST", headers, body: body ?? JSON.stringify(request) } as const;
    const tokens = estimateTokens([request.messages, request["tools"]]);
    await lane?.enter(request.model, tokens);
    return { answer: toDecoded(await sendRequest(pool, sent, signal)), tokens };
  }

  return {
    serves: (id) => ids === undefined || ids.has(id),

    async list() {
      if (listed !== undefined && performance.now() < listed.untilMs) return listed.models;
      const answer = await sendRequest(pool, { path: `${start}/models`, method: "GET", headers }, undefined).catch(
        toFailure,
      );
      const body = toJson(String(await toDecoded(answer).whole(answerBytesMax).catch(toFailure))) as
        | { data?: unknown }
        | null
        | undefined;
      const models = (Array.isArray(body?.data) ? (body.data as ModelInfo[]) : [...(ids ?? [])].map(bareInfo)).filter(
        ({ id }) => typeof id === "string" && (ids === undefined || ids.has(id)),
      );
      listed = { models, untilMs: performance.now() + LIST_KEPT_MS };
      return models;
    },

    async complete(call) {
      try {
        const answer = await post(call);
        const text = (await answer.whole(answerBytesMax)).toString("utf8");
        return { text, completion: toCompletion(text) };
      } catch (error) {
        return toFailure(error, call.signal);
      }
    },

    async stream(call) {
      try {
        const answer = await post(call);
        const type = String(answer.headers["content-type"] ?? "");
        if (!type.startsWith("text/event-stream")) {
          answer.abandon();
          throw malformed(`it answered ${type === "" ? "no content type" : type} where an event stream was asked for`);
        }
        return toParts(answer, call.signal, secrets);
      } catch (error) {
        return toFailure(error, call.signal);
      }
    },

    async forward(path, body, signal) {
      try {
        const sent = { path: `${start}${path}`, method: "POST", headers, body } as const;
        const answer = toDecoded(await sendRequest(pool, sent, signal));
        if (answer.status >= 300) {
          const text = await answer.whole(ERROR_BYTES_MAX).then(String, () => "");
          throw toModelError(answer, text, secrets);
        }
        const type = answer.headers["content-type"] ?? "application/octet-stream";
        const next = () => answer.next().catch((error: unknown) => toFailure(error, signal));
        return { status: answer.status, contentType: String(type), next, abandon: () => answer.abandon() };
      } catch (error) {
        return toFailure(error, signal);
      }
    },

    close: () => pool.close(),
  };
}

function toParts(
  answer: HttpAnswer,
  signal: AbortSignal | undefined,
  secrets: readonly string[],
): AsyncIterable<StreamPart> {
  const reader = createEventReader();
  let done = false;

  async function next(): Promise<IteratorResult<StreamPart>> {
    const bytes = await answer.next().catch((error: unknown) => toFailure(error, signal));
    if (bytes === undefined) {
      if (!done) throw malformed("its stream ended before [DONE]");
      return { done: true, value: undefined };
    }
    const chunks: ChatChunk[] = [];
    for (const data of reader.read(bytes)) {
      if (data === "[DONE]") done = true;
      else chunks.push(toChunk(data, secrets));
    }
    return { done: false, value: { bytes, chunks, done } };
  }

  return { [Symbol.asyncIterator]: () => ({ next }) };
}

function toChunk(data: string, secrets: readonly string[]): ChatChunk {
  let chunk: (ChatChunk & { error?: unknown }) | null;
  try {
    chunk = JSON.parse(data) as ChatChunk;
  } catch (cause) {
    throw malformed("an event of its stream is no JSON", cause);
  }
  if (typeof chunk !== "object" || chunk === null) throw malformed("an event of its stream is no object");
  if (chunk.error !== undefined && chunk.error !== null) {
    throw new MarrowError("model_failed", "the model's endpoint reported an error within its stream", {
      details: { status: 502, error: toErrorObject(chunk.error, secrets) },
    });
  }
  return chunk;
}

function toCompletion(text: string): ChatCompletion {
  const completion = toJson(text) as ChatCompletion | null | undefined;
  if (completion === undefined) throw malformed("its answer is no JSON");
  if (!Array.isArray(completion?.choices)) throw malformed("its answer has no choices");
  return completion;
}

/** An endpoint's word that a request is wrong, which another request may not be. */
function isRefusal(status: number): boolean {
  return status === 400 || status === 422;
}

function toDecoded(answer: HttpAnswer): HttpAnswer {
  const plain = decoded(answer);
  if (plain !== undefined) return plain;
  answer.abandon();
  throw malformed("its content-encoding is not known");
}

function toModelError(answer: HttpAnswer, text: string, secrets: readonly string[]): MarrowError {
  const body = toJson(text) as { error?: unknown } | null | undefined;
  return new MarrowError("model_failed", `the model's endpoint answered ${answer.status}`, {
    details: {
      status: answer.status,
      error: toErrorObject(body?.error, secrets),
      retryAfterMs: toRetryAfterMs(answer.headers),
    },
  });
}

/** What the text says, or `undefined` when they are no JSON. */
function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The parts of an endpoint's error object that a client may see: bounded, without this endpoint's key or anything that has the form of one. */
function toErrorObject(error: unknown, secrets: readonly string[]): Readonly<Record<string, unknown>> | undefined {
  if (typeof error === "string") return { message: maskSecrets(error, secrets) };
  if (typeof error !== "object" || error === null) return undefined;
  const fields = ["message", "type", "param", "code"].flatMap((name) => {
    const value = Object.hasOwn(error, name) ? (error as Readonly<Record<string, unknown>>)[name] : undefined;
    return typeof value === "string" ? [[name, maskSecrets(value, secrets)]] : [];
  });
  return Object.fromEntries(fields) as Record<string, unknown>;
}

function toFailure(error: unknown, signal?: AbortSignal): never {
  if (MarrowError.is(error)) throw error;
  if (signal?.aborted === true) throw new MarrowError("aborted", "the call of the model was aborted", { cause: error });
  if (error instanceof BodyTooLarge) throw malformed(error.message);
  const code = (error as { code?: unknown }).code;
  if (code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT" || code === "UND_ERR_CONNECT_TIMEOUT") {
    throw new MarrowError("timeout", "the model's endpoint did not answer in time", { cause: error });
  }
  throw new MarrowError("model_failed", "the model's endpoint could not be reached", {
    cause: error,
    details: { status: 502 },
  });
}

function malformed(why: string, cause?: unknown): MarrowError {
  return new MarrowError("model_failed", `the model's endpoint answered rubbish: ${why}`, {
    cause,
    details: { status: 502 },
  });
}

function bareInfo(id: string): ModelInfo {
  return { id, owned_by: "upstream", created: 0 };
}

function parseUrl(baseUrl: string): URL {
  const url = URL.parse(baseUrl);
  if (url === null || !/^https?:$/.test(url.protocol)) refuse("baseUrl", "an http or https URL", baseUrl);
  return url;
}
