import { RequestMalformedError } from "@a2a-js/sdk/errors";
import { ERROR_CODES, MarrowError } from "../errors.ts";

/**
 * Runs a call and throws the A2A SDK's own error for wrong input, so that JSON-RPC answers `-32602` (invalid params) with the reason instead of
 * `-32603` (internal error). Other errors pass unchanged.
 * @throws RequestMalformedError for a MarrowError that stands for the caller's fault (4xx)
 */
export async function toldAsInvalidParams<T>(call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toRefusal(error);
  }
}

/** The error of a call as the SDK knows it. */
export function toRefusal(error: unknown): unknown {
  if (!MarrowError.is(error) || ERROR_CODES[error.code].status >= 500) return error;
  return new RequestMalformedError({ message: error.message, cause: error });
}
