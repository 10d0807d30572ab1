import { MarrowError } from "../errors.ts";
import { isObject, isText, type Fields } from "../internal/fields.ts";
import { maskSecrets } from "../internal/mask.ts";
import { toRetryAfterMs } from "../internal/retry-after.ts";
import { decoded } from "./encoded.ts";
import { BodyTooLarge, type HttpAnswer } from "./http.ts";

/** Returns true for a status that means this request is wrong, while others may not be. */
export function isRefusal(status: number): boolean {
  return status === 400 || status === 422;
}

/** Wraps an answer to read its body decoded. */
export function toDecoded(answer: HttpAnswer): HttpAnswer {
  const plain = decoded(answer);
  if (plain !== undefined) return plain;
  answer.abandon();
  throw malformed("its content-encoding is not known");
}

/** Longest accepted retry delay of an endpoint, in milliseconds: a day. */
const RETRY_AFTER_MS_MAX = 86_400_000;

/** Converts an answer other than 2xx to a failure of its model. */
export function toModelError(answer: HttpAnswer, text: string, secrets: readonly string[]): MarrowError {
  const body = toJson(text);
  const afterMs = toRetryAfterMs(answer.headers) ?? toRetryDelayMs(body);
  // A text that is no JSON is the endpoint's words, unless it is a page.
  const plain = body === undefined && text.trim() !== "" && !text.trimStart().startsWith("<") ? text.trim() : undefined;
  return new MarrowError("model_failed", `the model's endpoint answered ${answer.status}`, {
    details: {
      status: answer.status,
      error: toErrorObject(toReported(body) ?? plain, secrets),
      retryAfterMs: afterMs === undefined ? undefined : Math.min(RETRY_AFTER_MS_MAX, afterMs),
    },
  });
}

/** Reads Google's `RetryInfo` in the details of an error, `{ retryDelay: "34s" }`, because its endpoints send no header. */
function toRetryDelayMs(body: unknown): number | undefined {
  const reported = toReported(body);
  const details = isObject(reported) ? reported["details"] : undefined;
  if (!Array.isArray(details)) return undefined;
  for (const one of details.slice(0, DETAILS_MAX) as readonly unknown[]) {
    const [, seconds] = /^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(String(isObject(one) ? one["retryDelay"] : "")) ?? [];
    if (seconds !== undefined) return Math.ceil(Number(seconds) * 1000);
  }
  return undefined;
}

/** Converts an error that came with a success status, with the status that it names itself, or 502. */
export function toReportedError(body: unknown, message: string, secrets: readonly string[]): MarrowError {
  const reported = toReported(body);
  const named = Number(
    (reported as { code?: unknown } | undefined)?.code ?? (body as { status?: unknown } | null)?.status,
  );
  const status = Number.isInteger(named) && named >= 400 && named <= 599 ? named : 502;
  return new MarrowError("model_failed", message, { details: { status, error: toErrorObject(reported, secrets) } });
}

/**
 * Extracts an endpoint's error from any of the known forms: OpenAI's `{ error }`, a list of it (Gemini), `{ object: "error", message }`
 * (vLLM), `{ detail }` as text or list (FastAPI), also within `message` (Mistral), `{ message }`, `{ errors: [] }`, `{ fault: { faultstring
 * } }` (Apigee), `{ base_resp }` (MiniMax), and the names of {@link WORDS}. `undefined` if there is none.
 */
export function toReported(body: unknown): unknown {
  const one: unknown = Array.isArray(body) ? body[0] : body;
  if (typeof one !== "object" || one === null) return undefined;
  const said = one as Fields;
  const { error, errors, detail, message, fault, base_resp: base } = said;
  if (typeof error === "string" || (typeof error === "object" && error !== null)) return withRaw(error, said);
  if (Array.isArray(errors) && errors.length > 0) return toReported({ error: errors[0] as unknown });
  if (typeof detail === "string") return { message: detail };
  if (Array.isArray(detail))
    return { message: detail.slice(0, DETAILS_MAX).map(toDetail).join("; "), ...placeOf(detail[0]) };
  if (typeof detail === "object" && detail !== null) return toReported({ error: detail });
  if (isObject(message)) return toReported(message);
  const within = fault ?? base;
  if (isObject(within)) return toReported({ ...toRead(within), detail: undefined });
  const words = typeof message === "string" ? message : WORDS.map((name) => said[name]).find(isText);
  return words === undefined ? undefined : { ...toRead(said), message: words };
}

/** Other field names for an error's message: of AWS, Apigee, MiniMax, and proxies. */
const WORDS = ["Message", "faultstring", "status_msg", "error_message", "error_msg", "msg"] as const;

/** The fields of an error that are read; an endpoint may send any number of others. */
const READ = [
  "type",
  "param",
  "code",
  "details",
  "error",
  "errors",
  "message",
  "fault",
  "base_resp",
  ...WORDS,
] as const;

function toRead(said: Fields): Fields {
  return Object.fromEntries(READ.flatMap((name) => (Object.hasOwn(said, name) ? [[name, said[name]]] : [])));
}

/** Most entries of an error list that are reported. */
const DETAILS_MAX = 20;

/** Returns the provider's own message in `metadata.raw` of a router's error (OpenRouter). */
function withRaw(error: string | object, beside: Readonly<Record<string, unknown>>): unknown {
  const raw = (error as { metadata?: { raw?: unknown } | null }).metadata?.raw;
  const within = typeof raw === "string" ? (toReported(toJson(raw)) ?? { message: raw }) : toReported(raw);
  const words = within as { message?: unknown } | string | undefined;
  const said = typeof words === "string" ? words : words?.message;
  if (typeof said !== "string") return typeof error === "string" ? { ...pick(beside), message: error } : error;
  const { message } = error as { message?: unknown };
  return { ...(error as object), message: typeof message === "string" ? `${message}: ${said}` : said };
}

function pick({ code, param, type }: Readonly<Record<string, unknown>>): object {
  return { code, param, type };
}

/** Formats one entry of FastAPI's error list: place and message. */
function toDetail(one: unknown): string {
  const { loc, msg } = (one ?? {}) as { readonly loc?: unknown; readonly msg?: unknown };
  if (typeof one === "string") return one;
  return `${Array.isArray(loc) ? `${loc.join(".")}: ` : ""}${typeof msg === "string" ? msg : "wrong"}`;
}

/** Returns the place of such an entry as the field that the endpoint refused: it counts from the body. */
function placeOf(one: unknown): { readonly param?: string } {
  const { loc } = isObject(one) ? one : {};
  if (!Array.isArray(loc) || loc[0] !== "body" || loc.length < 2) return {};
  return { param: loc.slice(1).join(".") };
}

/** Parses JSON; `undefined` if it is invalid. */
export function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Returns the parts of an endpoint's error object that a client may see: bounded, without this endpoint's key or anything with the form of
 * a key.
 */
export function toErrorObject(
  error: unknown,
  secrets: readonly string[],
): Readonly<Record<string, unknown>> | undefined {
  if (typeof error === "string") return { message: maskSecrets(error, secrets) };
  if (typeof error !== "object" || error === null) return undefined;
  const fields = ["message", "type", "param", "code"].flatMap((name) => {
    const value = Object.hasOwn(error, name) ? (error as Readonly<Record<string, unknown>>)[name] : undefined;
    return typeof value === "string" ? [[name, maskSecrets(value, secrets)]] : [];
  });
  const told = Object.fromEntries(fields) as Record<string, unknown>;
  return told["param"] === undefined ? { ...told, ...placeInRepr(told["message"]) } : told;
}

/** The beginning of such a list as Python prints it, up to the place of its first entry. */
const REPR =
  /^\[\{'type': '\w{1,64}', 'loc': \('body', ((?:'[\w.-]{1,64}'|\d{1,9})(?:, (?:'[\w.-]{1,64}'|\d{1,9})){0,15}),?\)/;

/** Returns the refused field of FastAPI's error list that is written into a message as Python prints it (vLLM). */
function placeInRepr(message: unknown): { readonly param?: string } {
  const [, names] = isText(message) ? (REPR.exec(message) ?? []) : [];
  return names === undefined ? {} : { param: names.replaceAll("'", "").split(", ").join(".") };
}

/** Throws the failure of a call as a typed error. */
export function toFailure(error: unknown, signal?: AbortSignal): never {
  if (MarrowError.is(error)) throw error;
  if (signal?.aborted === true) throw new MarrowError("aborted", "the model call was aborted", { cause: error });
  if (error instanceof BodyTooLarge) throw overBound(error.message);
  const code = (error as { code?: unknown }).code;
  if (code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT" || code === "UND_ERR_CONNECT_TIMEOUT") {
    throw new MarrowError("timeout", "the model's endpoint did not answer in time", { cause: error });
  }
  throw new MarrowError("model_failed", "the model's endpoint could not be reached", {
    cause: error,
    details: { status: 502 },
  });
}

/** Builds the failure of an answer that cannot be read. */
export function malformed(why: string, cause?: unknown): MarrowError {
  return new MarrowError("model_failed", `the model's endpoint sent an unreadable answer: ${why}`, {
    cause,
    details: { status: 502 },
  });
}

/** Builds the failure of an answer that is over a bound. `bound` names it in words of this program: clients and logs are told. */
export function overBound(bound: string): MarrowError {
  const code = bound.replaceAll(/\W+/g, "_").slice(0, 64);
  return new MarrowError("model_failed", `the model's endpoint sent an unreadable answer: ${bound}`, {
    cause: Object.assign(new Error(bound), { name: "AnswerOverBound", code }),
    details: { status: 502, bound },
  });
}

/** Converts an error from reading an answer to a failure of the model: an answer that cannot be read is malformed. */
export function unreadable(error: unknown): MarrowError {
  return MarrowError.is(error) ? error : malformed("its format is unknown", error);
}
