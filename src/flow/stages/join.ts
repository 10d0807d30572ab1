import { toFingerprint, type Lookup, type Question } from "../../cache/index.ts";
import { CACHE_CONTROL_DEFAULT, type CacheControl } from "../cache-control.ts";
import type { StoredAnswer } from "../cacheable.ts";
import type { FlowKit } from "../kit.ts";
import { toReplay } from "../replay.ts";
import type { Leading, Told, Together } from "../together.ts";
import { lookup } from "./lookup.ts";

/** Joins the flight of the same question; `undefined` if nothing may be shared. */
export async function join(
  kit: FlowKit,
  question: Question | undefined,
  control: CacheControl = CACHE_CONTROL_DEFAULT,
  beside?: Promise<Lookup<StoredAnswer> | undefined>,
  subject?: string,
): Promise<Together | undefined> {
  const { cache, orWithout } = kit;
  if (cache === undefined || question === undefined || toFingerprint(question).followUp) return undefined;
  const look = control.maxAgeMs === Infinity;
  const asking = await orWithout("cache", cache.join<Told>(question, { look, beside }));
  if (asking?.role === "lead" && asking.overtaken === true) return lookAgain(kit, question, control, asking, subject);
  if (asking?.role !== "made") return asking;
  if ((await beside)?.hit === true) return undefined;
  const made = await lookup(kit, question, "exact", CACHE_CONTROL_DEFAULT);
  if (made?.hit === true) return { role: "made", completion: toReplay(made.value) };
  // It was stored, and ended since.
  const anew = await orWithout("cache", cache.join<Told>(question, { look: false }));
  return anew?.role === "made" ? undefined : anew;
}

/** Looks up by meaning what another request stored after the first lookup, for the request and its followers. */
async function lookAgain(
  kit: FlowKit,
  question: Question,
  control: CacheControl,
  lead: Leading,
  subject: string | undefined,
): Promise<Together> {
  try {
    const found = await lookup(kit, question, "similar", control, subject);
    if (found?.hit !== true) return lead;
    const completion = toReplay(found.value);
    lead.add({ completion });
    void lead.end();
    return { role: "made", completion };
  } catch (error) {
    await lead.fail(error);
    throw error;
  }
}
