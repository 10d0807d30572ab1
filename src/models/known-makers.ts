import { hash } from "node:crypto";
import { dropOldest } from "../internal/drop-oldest.ts";
import { isText, type Fields } from "../internal/fields.ts";

/**
 * Field of a `reasoning_details` entry, or of a call with provider-specific fields, that names the endpoint that made it. Other endpoints
 * refuse its signatures and ciphertexts. The field is Marrow's own and never sent to endpoints.
 */
export const MAKER = "marrow_maker";

/** Signatures and ciphertexts whose makers a process records: about 100 bytes each. */
const KNOWN_MAX = 20_000;

const known = new Map<string, string>();

/** Records the maker of a `reasoning_details` entry, because clients of other APIs return its signature or ciphertext without that name. */
export function noteMaker(detail: Fields, maker: string): void {
  const digest = digestOf(detail);
  if (digest === undefined) return;
  // Recent entries are needed most, so the oldest are evicted first.
  known.delete(digest);
  known.set(digest, maker);
  dropOldest(known, KNOWN_MAX);
}

/**
 * Returns the maker of a `reasoning_details` entry or a call: from its own field, else from this process's records; `undefined` if unknown.
 */
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
