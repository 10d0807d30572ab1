import { MarrowError } from "../errors.ts";
import { maskSecrets } from "../internal/mask.ts";
import { toRetryAfterMs } from "../internal/retry-after.ts";
import { decoded } from "./encoded.ts";
import { BodyTooLarge, type HttpAnswer } from "./http.ts";

/** An endpoint's word that a request is wrong, which another request may not be. */
export function isRefusal(status: number): boolean {
  return status === 400 || status === 422;
}

/** An answer whose body is read as if it came plain. */
export function toDecoded(answer: HttpAnswer): HttpAnswer {
  const plain = decoded(answer);
  if (plain !== undefined) return plain;
  answer.abandon();
  throw malformed("its content-encoding is not known");
}

/** An answer that is no 2xx as a failure of its model. */
export function toModelError(answer: HttpAnswer, text: string, secrets: readonly string[]): MarrowError {
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
export function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The parts of an endpoint's error object that a client may see: bounded, without this endpoint's key or anything that has the form of one. */
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
  return Object.fromEntries(fields) as Record<string, unknown>;
}

/** Whatever broke a call as a typed error. */
export function toFailure(error: unknown, signal?: AbortSignal): never {
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

/** An answer that cannot be read. */
export function malformed(why: string, cause?: unknown): MarrowError {
  return new MarrowError("model_failed", `the model's endpoint answered rubbish: ${why}`, {
    cause,
    details: { status: 502 },
  });
}
