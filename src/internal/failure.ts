import { ERROR_CODES, MarrowError } from "../errors.ts";
import { maskSecrets } from "./mask-secrets.ts";

/** Why something failed, as it is kept and shown. */
export interface Failure {
  /** An error's code; `failed` for an error that is not a `MarrowError`, and for a code that Marrow does not know. */
  readonly reason: string;
  /** The error's message in one line of at most 500 characters, secrets masked; empty when there is none. */
  readonly message: string;
}

/** Longest message that is kept, in characters. */
export const MESSAGE_MAX = 500;

/** Why something failed, of whatever was thrown: also `null`, an object, or an error whose properties cannot be read. Never throws. */
export function toFailure(error: unknown): Failure {
  try {
    const reason = knownErrorOf(error)?.code ?? "failed";
    return { reason, message: maskSecrets(textOf(error), MESSAGE_MAX) };
  } catch {
    return { reason: "failed", message: "" };
  }
}

/** The Marrow error that a value is, if its code is one of the table: words of scripts are made of codes. */
export function knownErrorOf(error: unknown): MarrowError | undefined {
  return MarrowError.is(error) && Object.hasOwn(ERROR_CODES, error.code) ? error : undefined;
}

function textOf(error: unknown): string {
  const said: unknown = typeof error === "object" && error !== null && "message" in error ? error.message : error;
  return typeof said === "string" ? said : "";
}
