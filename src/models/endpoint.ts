import type { Readable } from "node:stream";
import { Pool } from "undici";
import { MarrowError } from "../errors.ts";
import { checkInteger, refuse } from "../internal/check.ts";
import { createConnector } from "../internal/connector.ts";
import type { LongText } from "../internal/long-text.ts";
import { signalling } from "../internal/signals.ts";
import { readAnswer } from "./answer-bounds.ts";
import { AMENDMENTS_MAX } from "./dialect.ts";
import { toNamed, toSentBody } from "./forwarded-body.ts";
import { isRefusal, malformed, toDecoded, toFailure, toModelError } from "./failures.ts";
import { bareInfo, toInfos } from "./listed.ts";
import type { ChatCompletion } from "./chat.ts";
import { sendRequest, textOf, type HttpAnswer } from "./http.ts";
import type { ChatModel, ModelCall, ModelInfo } from "./model.ts";
import type { PartReader } from "./parts.ts";
import { joinStream } from "./stream-as-whole.ts";

/** Address and timeouts of an endpoint. */
export interface EndpointOptions {
  /**
   * Base URL of the endpoint, such as `https://api.openai.com/v1`; the path of its kind is appended. A query (`?api-version=…`) is sent
   * with every request.
   */
  readonly baseUrl: string;
  /** Name reported as the server of an answer. @default none */
  readonly name?: string | undefined;
  /** The endpoint's key; never logged. */
  readonly apiKey?: string | undefined;
  /** Model ids to send here. @default every id */
  readonly ids?: readonly string[] | undefined;
  /** Additional headers of every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Most open connections. @default 256 */
  readonly connections?: number | undefined;
  /** Longest wait for a connection, in milliseconds. @default 10_000 */
  readonly connectTimeoutMs?: number | undefined;
  /** Longest wait for the first byte, in milliseconds, which includes reasoning. @default 300_000 */
  readonly firstByteTimeoutMs?: number | undefined;
  /** Longest silence within an answer, in milliseconds. @default 60_000 */
  readonly idleTimeoutMs?: number | undefined;
  /** Tracks the endpoint's own limits: called before each call, and with each answer. @default none */
  readonly lane?: LaneGate | undefined;
  /** Largest answer without streaming, in bytes. @default 33_554_432 */
  readonly answerBytesMax?: number | undefined;
}

/** A call that an endpoint refused. */
export interface RefusedCall {
  /** Approximate tokens of the request. */
  readonly tokens: number;
  readonly code?: string | undefined;
  readonly message?: string | undefined;
}

/** Tracks the limits of an endpoint. */
export interface LaneGate {
  /** Resolves when a call of about `tokens` tokens may be sent. @throws MarrowError `rate_limited`, or `model_failed` with `isUnsent` */
  enter(model: string, tokens: number): Promise<void>;
  /** Called with the status and headers of every answer; for an error also with the request's size and the endpoint's message. */
  learn(model: string, status: number, headers: HttpAnswer["headers"], refused?: RefusedCall): void;
}

/** Differences between kinds of endpoints over HTTP. */
export interface EndpointKind {
  /** Returns the headers with the key, and those that the kind requires. */
  readonly headers: (apiKey: string | undefined) => Readonly<Record<string, string>>;
  /** Path of the list of models. */
  readonly listPath: string;
  /** Converts one listed model to its entry in `GET /v1/models`; `undefined` for an invalid one. */
  readonly toInfo: (listed: unknown) => ModelInfo | undefined;
}

/** A request to an endpoint that may be changed after a refusal. */
export interface Question<R> {
  readonly path: string;
  readonly model: string;
  readonly request: R;
  readonly tokensOf: (request: R) => number;
  readonly write: (request: R) => Uint8Array | Promise<Uint8Array>;
  /** Reads a refusal (400 or 422): returns a request to try instead, and a function to call once it was accepted. */
  readonly amend: (request: R, refusal: string) => { readonly request: R; readonly learn: () => void } | undefined;
}

/** A request to send. */
interface Sent {
  readonly path: string;
  readonly method: "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | Readable;
}

/** An endpoint with a pool of connections. */
export interface Endpoint {
  /**
   * Sends a request, and again if a refusal can be worked around. Returns a successful answer, unread. @throws MarrowError `model_failed`
   */
  post<R>(question: Question<R>, signal: AbortSignal | undefined): Promise<HttpAnswer>;
  /** Returns the whole text of an answer; a long one is in pieces. */
  textOf(answer: HttpAnswer, call: Pick<ModelCall, "room" | "signal">): Promise<string | LongText>;
  /** Joins a stream that came for a whole answer, within the same bound. @throws MarrowError as the stream does */
  joined(answer: HttpAnswer, call: ModelCall, reader: PartReader): Promise<ChatCompletion>;
  /** Texts that must not appear in errors that clients see. */
  readonly secrets: readonly string[];
  /** Methods that all kinds of models share. */
  readonly port: Required<Pick<ChatModel, "serves" | "list" | "forward">> &
    Pick<ChatModel, "name" | "takesPieces"> & { close(): Promise<void> };
}

const LIST_KEPT_MS = 60_000;
/** Longest wait for the list of models. Callers do not wait that long, but a late list is still used. */
const LIST_TIMEOUT_MS = 30_000;
const ERROR_BYTES_MAX = 65_536;

/** Opens an endpoint of one kind; sends nothing before the first call. */
export function createEndpoint(options: EndpointOptions, kind: EndpointKind): Endpoint {
  const url = parseUrl(options.baseUrl);
  const { lane } = options;
  const positive = { min: 1 };
  const answerBytesMax = checkInteger("answerBytesMax", options.answerBytesMax ?? 32 * 1_048_576, positive);
  const pool = new Pool(url.origin, {
    connections: checkInteger("connections", options.connections ?? 256, positive),
    headersTimeout: checkInteger("firstByteTimeoutMs", options.firstByteTimeoutMs ?? 300_000, positive),
    bodyTimeout: checkInteger("idleTimeoutMs", options.idleTimeoutMs ?? 60_000, positive),
    connect: createConnector({
      timeout: checkInteger("connectTimeoutMs", options.connectTimeoutMs ?? 10_000, positive),
    }),
    keepAliveTimeout: 30_000,
  });
  const [start, { search, host }] = [url.pathname.replace(/\/+$/, ""), url];
  const pathTo = (path: string) => `${start}${path}${search}`;
  const headers = { "content-type": "application/json", ...kind.headers(options.apiKey), ...options.headers };
  checkHeaders(headers, options.headers);
  const secrets = [options.apiKey ?? "", ...Object.values(options.headers ?? {}), ...url.searchParams.values()];
  const ids = options.ids === undefined ? undefined : new Set(options.ids);
  const closing = new AbortController();
  let listed: { readonly models: readonly ModelInfo[]; readonly untilMs: number } | undefined;

  /** Sends one request of a model and publishes its signal. */
  function send(model: string, sent: Sent, signal: AbortSignal | undefined): Promise<HttpAnswer> {
    const toSignal = () => ({ upstream: options.name, host, model, path: sent.path, headers: {} });
    return signalling("models:attempt", toSignal, async (told) => {
      if (told === undefined) return sendRequest(pool, sent, signal);
      const answer = await sendRequest(pool, { ...sent, headers: { ...sent.headers, ...told.headers } }, signal);
      told.status = answer.status;
      return answer;
    });
  }

  async function post<R>(question: Question<R>, signal: AbortSignal | undefined): Promise<HttpAnswer> {
    const { model, tokensOf, write, amend } = question;
    const path = pathTo(question.path);
    let { request } = question;
    let learn: (() => void) | undefined;
    for (let amendments = 0; ; amendments += 1) {
      const tokens = lane === undefined ? 0 : tokensOf(request);
      if (lane !== undefined) await lane.enter(model, tokens);
      const written = write(request);
      const body = written instanceof Promise ? await written : written;
      const answer = toDecoded(await send(model, { path, method: "POST", headers, body }, signal));
      if (isSuccess(answer.status)) {
        lane?.learn(model, answer.status, answer.headers);
        learn?.();
        return answer;
      }
      const text = await answer.whole(ERROR_BYTES_MAX).then(String, () => "");
      // A refusal that concerns only this request closes no lane; the endpoint's message decides.
      lane?.learn(model, answer.status, answer.headers, { tokens, message: text });
      const amended = isRefusal(answer.status) ? amend(request, text) : undefined;
      if (amended === undefined || amendments >= AMENDMENTS_MAX) throw toModelError(answer, text, secrets);
      const before = learn;
      ({ request } = amended);
      learn = () => {
        before?.();
        amended.learn();
      };
    }
  }

  return {
    post,
    secrets,
    textOf: (answer, call) => textOf(answer, answerBytesMax, call),
    joined: (answer, call, reader) => joinStream(answer, call, { reader, bytesMax: answerBytesMax }),

    port: {
      name: options.name,
      takesPieces: true,
      serves: (id) => ids === undefined || ids.has(id),

      async list() {
        if (listed !== undefined && performance.now() < listed.untilMs) return listed.models;
        const sent = { path: pathTo(kind.listPath), method: "GET", headers } as const;
        const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(LIST_TIMEOUT_MS)]);
        const answer = toDecoded(await sendRequest(pool, sent, signal).catch(toFailure));
        const text = await textOf(answer, answerBytesMax).catch(toFailure);
        const told = isSuccess(answer.status) ? toInfos(await readAnswer(text), kind.toInfo) : undefined;
        // Without a new list the last one stays; an endpoint without a list serves the configured ids.
        if (told === undefined && listed !== undefined) return listed.models;
        if (told === undefined && ids === undefined) throw toModelError(answer, String(text), secrets);
        const models = ids === undefined ? (told ?? []) : toNamedInfos(ids, told ?? []);
        listed = { models, untilMs: performance.now() + LIST_KEPT_MS };
        return listed.models;
      },

      async forward(path, body, signal) {
        try {
          const form = toNamed(body);
          const { model, contentType } = form;
          const { length, ...sent } = toSentBody(form);
          const given = { headers: { ...headers, "content-type": contentType, ...length }, ...sent };
          // Tokens are unknown here, because images and audio are counted differently.
          await lane?.enter(model, 0);
          const answer = toDecoded(await send(model, { path: pathTo(path), method: "POST", ...given }, signal));
          if (!isSuccess(answer.status)) {
            const text = await answer.whole(ERROR_BYTES_MAX).then(String, () => "");
            lane?.learn(model, answer.status, answer.headers, { tokens: 0, message: text });
            throw toModelError(answer, text, secrets);
          }
          lane?.learn(model, answer.status, answer.headers);
          const type = answer.headers["content-type"] ?? "application/octet-stream";
          const next = () => answer.next().catch((error: unknown) => toFailure(error, signal));
          return { status: answer.status, contentType: String(type), next, abandon: () => answer.abandon() };
        } catch (error) {
          return toFailure(error, signal);
        }
      },

      close() {
        closing.abort();
        return pool.close();
      },
    },
  };
}

/** Returns the configured models with the details of the endpoint's list, which may lack some that it serves. */
function toNamedInfos(ids: ReadonlySet<string>, told: readonly ModelInfo[]): readonly ModelInfo[] {
  const known = new Set(told.map(({ id }) => id));
  return [...told.filter(({ id }) => ids.has(id)), ...[...ids].filter((id) => !known.has(id)).map(bareInfo)];
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** Returns true for a JSON answer: some endpoints send one instead of a stream. */
export function isJson(answer: HttpAnswer): boolean {
  return /^application\/json\b/i.test(String(answer.headers["content-type"] ?? ""));
}

/**
 * Rejects an answer that is not an event stream. One without a type, or of plain text, may be one; its lines decide.
 * @throws MarrowError `model_failed`
 */
export function checkEventStream(answer: HttpAnswer): void {
  const type = String(answer.headers["content-type"] ?? "");
  if (type === "" || /^text\/(?:event-stream|plain)\b/i.test(type)) return;
  answer.abandon();
  throw malformed(`it answered ${type} where an event stream was asked for`);
}

/** Valid header values (RFC 9110, 5.5). */
const HEADER_VALUE = /^[\t\x20-\x7E\x80-\xFF]*$/;

/** Refuses invalid header values without quoting them, because they may be keys. */
function checkHeaders(headers: Readonly<Record<string, string>>, given: Readonly<Record<string, string>> = {}): void {
  const wrong = Object.entries(headers).find(([, value]) => !HEADER_VALUE.test(value));
  if (wrong === undefined) return;
  const path = Object.hasOwn(given, wrong[0]) ? `headers.${wrong[0]}` : "apiKey";
  throw new MarrowError("invalid_option", `${path} must contain only characters that a header allows`, {
    details: { path },
  });
}

/** Returns the key's header for OpenAI's endpoints; none without a key. */
export function toBearer(apiKey: string | undefined): Readonly<Record<string, string>> {
  return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
}

function parseUrl(baseUrl: string): URL {
  const url = URL.parse(baseUrl);
  if (url === null || !/^https?:$/.test(url.protocol)) refuse("baseUrl", "an http or https URL", baseUrl);
  return url;
}
