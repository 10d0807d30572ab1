import { MarrowError } from "../errors.ts";
import { maskSecrets } from "./mask-secrets.ts";

/** Why something failed, as it is kept and shown. */
export interface Failure {
  /** An error's code; `failed` for an error that is not a `MarrowError`. */
  readonly reason: string;
  /** The error's message in one line of at most 500 characters, secrets masked; empty when there is none. */
  readonly message: string;
}

/** Longest message that is kept, in characters. */
const MESSAGE_MAX = 500;

/** Why something failed, of whatever was thrown. */
export function toFailure(error: unknown): Failure {
  const text = error instanceof Error ? error.message : typeof error === "string" ? error : "";
  return { reason: MarrowError.is(error) ? error.code : "failed", message: maskSecrets(text, MESSAGE_MAX) };
}
