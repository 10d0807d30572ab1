import type { Lookup } from "../../cache/index.ts";
import type { Decision } from "../../limiter/index.ts";
import type { ChatCall } from "../call.ts";
import type { CacheControl } from "../cache-control.ts";
import type { StoredAnswer } from "../cacheable.ts";
import type { FlowKit } from "../kit.ts";
import { toEstimate } from "../spending.ts";
import type { Together } from "../together.ts";
import type { Begun } from "./begin.ts";
import { join } from "./join.ts";
import { lookup } from "./lookup.ts";

/** What is known before a model is asked. */
export interface Reserved {
  readonly decision: Decision | undefined;
  readonly found: Lookup<StoredAnswer> | undefined;
  /** Who asks for the same answer just now; `undefined` when nothing is shared. */
  readonly asking: Together | undefined;
}

/**
 * The second round trip looks for a similar answer, where there is a tier that finds one. A stored answer uses no tokens, leads nobody and is
 * kept together with its question. So all that only a model's answer needs comes after it, in one round trip more: tokens are reserved, those
 * who ask the same just now are joined, and the question is kept by its session, for its answer may take long.
 */
export async function reserve(
  kit: FlowKit,
  { request, user }: ChatCall,
  control: CacheControl,
  { limiter, subjects, decision, found: exact, question, served, keeping }: Begun,
): Promise<Reserved> {
  const found = (served ? await lookup(kit, question, "similar", control, user) : undefined) ?? exact;
  if (found?.hit === true || control.onlyIfCached) return { decision, found, asking: undefined };
  const counts = decision?.rules.some(({ unit }) => unit !== "requests") === true;
  const shares = served && !control.noCache && !control.noStore;
  const joining = shares ? join(kit, question, control, found) : undefined;
  keeping.open();
  try {
    const [reserved, asking] = await Promise.all([
      counts ? limiter?.take(subjects, toEstimate(request, kit.prices), { reserve: true }) : undefined,
      joining,
    ]);
    return { decision: reserved ?? decision, found, asking };
  } catch (error) {
    void keeping.withdraw();
    // Who asks no more must not lead those who ask the same.
    const asking = await joining?.catch(() => undefined);
    if (asking?.role === "lead") await asking.leave();
    throw error;
  }
}
