import type { Question } from "../cache/index.ts";
import { CACHE_CONTROL_DEFAULT } from "./cache-control.ts";
import { toQuestion } from "./cacheable.ts";
import type { ChatCall, Explained } from "./call.ts";
import { contextOf } from "./context.ts";
import type { FlowKit } from "./kit.ts";
import { besideOf, type Sharing } from "./sharing.ts";

/** Looks a request up as a chat of no session would be, with the reasons. Throws as the cache's `lookup` does. */
export async function explain(
  kit: FlowKit,
  call: Pick<ChatCall, "request" | "user" | "key" | "per" | "control">,
): Promise<Explained> {
  const { cache, sharing } = kit;
  if (cache === undefined) return { lookedUp: false, why: "off" };
  const question = questionOf(call, sharing);
  if (question === undefined) return { lookedUp: false, why: "unlike" };
  return { lookedUp: true, found: await cache.lookup(question, { explain: true, judge: false }) };
}

/** The question that a request of no session asks of the cache; `undefined` when no stored answer could serve it. Pure. */
export function questionOf(
  call: Pick<ChatCall, "request" | "user" | "key" | "per" | "control">,
  sharing: Sharing | undefined,
): Question | undefined {
  const beside = besideOf(sharing, call, call.control ?? CACHE_CONTROL_DEFAULT);
  return toQuestion(call.request, contextOf(call.request, []), beside);
}
