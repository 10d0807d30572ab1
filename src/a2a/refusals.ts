import { RequestMalformedError } from "@a2a-js/sdk/errors";
import { ERROR_CODES, MarrowError } from "../errors.ts";

/**
 * Runs a call and converts invalid input to the A2A SDK's own error, so that JSON-RPC returns `-32602` (invalid params) with the reason
 * instead of `-32603` (internal error). Other errors pass unchanged.
 * @throws RequestMalformedError for a MarrowError with a 4xx status
 */
export async function toldAsInvalidParams<T>(call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toRefusal(error);
  }
}

/** Converts an error of a call to the SDK's. */
export function toRefusal(error: unknown): unknown {
  if (!MarrowError.is(error) || ERROR_CODES[error.code].status >= 500) return error;
  return new RequestMalformedError({ message: error.message, cause: error });
}
