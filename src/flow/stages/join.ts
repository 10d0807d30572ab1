import { toFingerprint, type Lookup, type Question } from "../../cache/index.ts";
import { CACHE_CONTROL_DEFAULT, type CacheControl } from "../cache-control.ts";
import type { StoredAnswer } from "../cacheable.ts";
import type { FlowKit } from "../kit.ts";
import { toReplay } from "../replay.ts";
import type { Told, Together } from "../together.ts";
import { lookup } from "./lookup.ts";

/** Joins the flight of the same question; `undefined` if nothing may be shared. */
export async function join(
  kit: FlowKit,
  question: Question | undefined,
  control: CacheControl = CACHE_CONTROL_DEFAULT,
  beside?: Promise<Lookup<StoredAnswer> | undefined>,
): Promise<Together | undefined> {
  const { cache, orWithout } = kit;
  if (cache === undefined || question === undefined || toFingerprint(question).followUp) return undefined;
  const look = control.maxAgeMs === Infinity;
  const asking = await orWithout("cache", cache.join<Told>(question, { look, beside }));
  if (asking?.role !== "made") return asking;
  if ((await beside)?.hit === true) return undefined;
  const made = await lookup(kit, question, "exact", CACHE_CONTROL_DEFAULT);
  if (made?.hit === true) return { role: "made", completion: toReplay(made.value) };
  // It was stored, and ended since.
  const anew = await orWithout("cache", cache.join<Told>(question, { look: false }));
  return anew?.role === "made" ? undefined : anew;
}
