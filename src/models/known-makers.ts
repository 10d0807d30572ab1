import { hash } from "node:crypto";
import { isText, type Fields } from "../internal/fields.ts";

/**
 * The field in which an entry of `reasoning_details`, or a call with fields of its provider's own, says which endpoint made it. Signatures and
 * ciphertexts are refused by every other endpoint. The field is Marrow's own: no endpoint is told it.
 */
export const MAKER = "marrow_maker";

/** Signatures and ciphertexts whose makers a process remembers: about 100 bytes each. */
const KNOWN_MAX = 20_000;

const known = new Map<string, string>();

/** Remembers who made an entry of `reasoning_details`: clients of other APIs give its signature or ciphertext back without a word of that. */
export function noteMaker(detail: Fields, maker: string): void {
  const digest = digestOf(detail);
  if (digest === undefined) return;
  // What was made last is asked for most: the oldest go first.
  known.delete(digest);
  known.set(digest, maker);
  if (known.size > KNOWN_MAX) for (const oldest of known.keys()) return void known.delete(oldest);
}

/** Who made an entry of `reasoning_details`, or a call: as it says itself, else as this process remembers; `undefined` for nobody known. */
export function makerOf(said: Fields): string | undefined {
  const told = said[MAKER];
  if (typeof told === "string") return told;
  const digest = digestOf(said);
  return digest === undefined ? undefined : known.get(digest);
}

function digestOf({ data, signature }: Fields): string | undefined {
  const secret = [data, signature].find(isText);
  return secret === undefined ? undefined : hash("sha256", secret, "base64url").slice(0, 22);
}
