import { ERROR_CODES, MarrowError } from "../../errors.ts";
import { maskSecrets } from "../../internal/mask.ts";
import { toRetryHeaders } from "../../limiter/http/index.ts";
import { isContextFull } from "../../models/index.ts";
import { cannotServe } from "../../redis/index.ts";
import { TYPE_WANTED } from "./empty-body.ts";

/** Retry delay while Redis is unavailable: outages last seconds, or clients back off by themselves. */
const RETRY_MS = 1_000;

/** An error in the format of OpenAI's API. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: {
    readonly error: {
      readonly message: string;
      readonly type: string;
      readonly param: string | null;
      readonly code: string;
    };
  };
}

/**
 * Converts any failure to OpenAI's error format. An endpoint's own refusal (4xx) keeps its status and message, bounded and with secrets
 * masked; a refusal of the gateway's credentials is not the client's fault and becomes 502. Messages of an endpoint's 5xx are not passed
 * on, and unknown failures reveal nothing.
 */
export function toErrorAnswer(error: unknown): ErrorAnswer {
  const known = MarrowError.is(error) ? error : toKnown(error);
  const { code, details } = known;
  const param = typeof details?.["path"] === "string" && details["path"] !== "" ? details["path"] : null;
  const attempts =
    typeof details?.["attempts"] === "number" ? { "x-marrow-attempts": String(details["attempts"]) } : {};
  if (code === "model_failed") return toUpstreamAnswer(known, attempts);
  if (code === "not_found" && param === "model") {
    return answer(404, "the model does not exist or is not served here", param, "model_not_found");
  }
  if (code === "unauthorized")
    return answer(401, known.message, null, "invalid_api_key", { "www-authenticate": 'Bearer realm="marrow"' });
  if (code === "rate_limited")
    return answer(429, known.message, null, "rate_limit_exceeded", {
      ...attempts,
      ...toRetryHeaders(Number(details?.["retryAfterMs"] ?? 1_000)),
    });
  const { status, retryable } = ERROR_CODES[code];
  // The bounds of a process are named in words of this program; all else that failed here stays with the operator.
  const isOwnBound = code === "unavailable" && param?.endsWith("BytesMax") === true;
  const message = status >= 500 && !isOwnBound ? ERROR_CODES[code].meaning : known.message;
  const told = details?.["answerCode"];
  return answer(status, message, param, typeof told === "string" ? told : code, {
    ...attempts,
    ...(cannotServe(known) && toRetryHeaders(RETRY_MS)),
    "x-should-retry": String(retryable),
  });
}

/** Builds the response to a limit's refusal; `headers` are the limiter's. */
export function toRefusal(
  refusedBy: string,
  retryAfterMs: number | undefined,
  headers: Readonly<Record<string, string>>,
): ErrorAnswer {
  const when =
    retryAfterMs === undefined
      ? "The request is larger than the limit allows at once."
      : `Try again in ${Math.ceil(retryAfterMs / 1000)} s.`;
  return answer(429, `Rate limit ${refusedBy} reached. ${when}`, null, "rate_limit_exceeded", {
    ...headers,
    ...toRetryHeaders(retryAfterMs),
  });
}

/** Valid names of fields and failures from an endpoint; others are left out. */
const UPSTREAM_NAME = /^[\w.[\]-]{1,128}$/;

/**
 * Builds the response to an upstream's error. A client error has the endpoint's message, masked by the model; other failures do not reveal
 * it.
 */
function toUpstreamAnswer({ details, message }: MarrowError, attempts: Readonly<Record<string, string>>): ErrorAnswer {
  const status = Number(details?.["status"] ?? 502);
  const error = (details?.["error"] ?? {}) as Readonly<Record<string, unknown>>;
  const named = (name: string) => {
    const value = error[name];
    return typeof value === "string" && UPSTREAM_NAME.test(value) ? value : undefined;
  };
  const after = details?.["retryAfterMs"];
  const headers = { ...attempts, ...(typeof after === "number" && toRetryHeaders(after)) };
  if (status === 401 || status === 403 || status === 407) {
    return answer(502, "the model's endpoint refused this gateway's credentials", null, "model_failed", attempts);
  }
  if (status >= 400 && status < 500) {
    const text = typeof error["message"] === "string" ? maskSecrets(error["message"]) : message;
    // Clients shorten what they send by this code, which only some providers say.
    const code = isContextFull(status, error) ? "context_length_exceeded" : "model_failed";
    return answer(status, text, named("param") ?? null, named("code") ?? code, headers);
  }
  const told = status === 503 || status === 529 ? 503 : status === 504 ? 504 : 502;
  // The bound is named in words of this program; all else that an endpoint did wrong stays with the operator.
  const bound = details?.["bound"];
  const why = typeof bound === "string" ? `the model's endpoint sent an answer beyond a bound: ${bound}` : undefined;
  return answer(told, why ?? "the model's endpoint failed", null, "model_failed", headers);
}

function answer(
  status: number,
  message: string,
  param: string | null,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): ErrorAnswer {
  const type =
    status === 401
      ? "authentication_error"
      : status === 429
        ? "rate_limit_error"
        : status >= 500
          ? "server_error"
          : "invalid_request_error";
  return { status, headers, body: { error: { message, type, param, code } } };
}

/** Fastify's own errors: a body that is no JSON, too large, or of another type. */
function toKnown(error: unknown): MarrowError {
  const { statusCode, code } = (error ?? {}) as { statusCode?: unknown; code?: unknown };
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE")
    return new MarrowError("too_large", "the body is larger than this gateway accepts");
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") {
    return new MarrowError("unsupported_media_type", TYPE_WANTED);
  }
  if (code === "FST_ERR_MAX_PARAM_LENGTH") return new MarrowError("invalid_input", "a part of the path is too long");
  if (code === "FST_ERR_BAD_URL") return new MarrowError("invalid_input", "the path is not a well-formed URL");
  if (statusCode === 404) return new MarrowError("not_found", "no route matches this path");
  if (typeof statusCode === "number" && statusCode >= 400 && statusCode < 500) {
    return new MarrowError("invalid_input", "the request is malformed", { cause: error });
  }
  return new MarrowError("internal", "unexpected failure", { cause: error });
}
