import { MarrowError } from "../../errors.ts";
import { describe } from "../../internal/describe.ts";
import { isObject, type Fields } from "../../internal/fields.ts";
import { checkCarried } from "../models/carried-thoughts.ts";

/**
 * Checks a `reasoning` item that a client sends, because a model cannot get one of another shape.
 * @throws MarrowError `invalid_input` that names the field, `too_large` for an `encrypted_content` beyond the bound
 */
export function checkReasoningItem({ summary, content, encrypted_content: sealed }: Fields, path: string): void {
  checkParts(summary, `${path}.summary`);
  checkParts(content, `${path}.content`);
  if (sealed === undefined || sealed === null) return;
  if (typeof sealed !== "string") throw wrong(`${path}.encrypted_content`, "a string or null", sealed);
  checkCarried(sealed, `${path}.encrypted_content`);
}

function checkParts(parts: unknown, path: string): void {
  if (parts === undefined || parts === null) return;
  if (!Array.isArray(parts)) throw wrong(path, "a list of parts", parts);
  for (const [at, part] of (parts as readonly unknown[]).entries()) {
    if (!isObject(part)) throw wrong(`${path}.${at}`, "a part, which is an object", part);
    if (typeof part["text"] !== "string") throw wrong(`${path}.${at}.text`, "a string", part["text"]);
  }
}

function wrong(path: string, expected: string, got: unknown): MarrowError {
  return new MarrowError("invalid_input", `${path} must be ${expected}, got ${describe(got)}`, { details: { path } });
}
