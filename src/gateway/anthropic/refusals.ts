import { MarrowError } from "../../errors.ts";

/** Builds the error for an unsupported value. */
export function refused(path: string, what: string, hint = ""): MarrowError {
  return new MarrowError("invalid_input", `${path}: ${what} cannot be served here${hint}`, { details: { path } });
}

/** Builds the error for a value of the wrong type. */
export function wrong(path: string, expected: string): MarrowError {
  return new MarrowError("invalid_input", `${path} must be ${expected}`, { details: { path } });
}
