import type { Lookup } from "../cache/index.ts";
import type { Provenance } from "./call.ts";
import type { StoredAnswer } from "./cacheable.ts";

/** What a lookup adds to how an answer came about: how near the nearest was, and why it was not served. */
export function describeLookup(
  found: Lookup<StoredAnswer> | undefined,
): Pick<Provenance, "similarity" | "veto" | "ageMs"> {
  if (found === undefined) return {};
  if (found.hit) return { similarity: found.similarity, ageMs: found.ageMs };
  return { similarity: found.nearest?.similarity, veto: found.nearest?.veto };
}
