import type { Lookup, Question } from "../../cache/index.ts";
import type { CacheControl } from "../cache-control.ts";
import { lacksAsked, type StoredAnswer } from "../cacheable.ts";
import type { FlowKit } from "../kit.ts";
import { staged } from "../signals.ts";

/** Looks up one tier; `undefined` if it was skipped or the cache is unavailable. */
export async function lookup(
  { cache, orWithout }: FlowKit,
  question: Question | undefined,
  tiers: "exact" | "similar",
  { noCache, noStore, maxAgeMs }: CacheControl,
  subject?: string,
): Promise<Lookup<StoredAnswer> | undefined> {
  if (cache === undefined || question === undefined || noCache) return undefined;
  if (tiers === "similar" && !cache.isSemantic) return { hit: false };
  // An alias stores the wording, so a question that must not be stored is not judged.
  const asked = { tiers, maxAgeMs, judge: !noStore, subject };
  const looked = await orWithout(
    "cache",
    staged("find", () => cache.lookup(question, asked), tiers),
  );
  return looked?.hit === true && lacksAsked(question, looked.value) ? { hit: false } : looked;
}
