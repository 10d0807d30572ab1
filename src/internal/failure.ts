import { ERROR_CODES, MarrowError } from "../errors.ts";
import { maskSecrets } from "./mask-secrets.ts";

/** A failure as it is stored and shown. */
export interface Failure {
  /** An error's code; `failed` for an error that is not a `MarrowError`, and for an unknown code. */
  readonly reason: string;
  /** The error's message in one line of at most 500 characters with secrets masked; may be empty. */
  readonly message: string;
}

/** Longest stored message, in characters. */
export const MESSAGE_MAX = 500;

/** Converts any thrown value to a failure, including `null`, objects, and errors with unreadable properties. Never throws. */
export function toFailure(error: unknown): Failure {
  try {
    const reason = knownErrorOf(error)?.code ?? "failed";
    return { reason, message: maskSecrets(textOf(error), MESSAGE_MAX) };
  } catch {
    return { reason: "failed", message: "" };
  }
}

/** Returns a value if it is a Marrow error with a code of the table, because scripts' arguments are made from codes. */
export function knownErrorOf(error: unknown): MarrowError | undefined {
  return MarrowError.is(error) && Object.hasOwn(ERROR_CODES, error.code) ? error : undefined;
}

function textOf(error: unknown): string {
  const said: unknown = typeof error === "object" && error !== null && "message" in error ? error.message : error;
  return typeof said === "string" ? said : "";
}
