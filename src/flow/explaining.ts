import type { Question } from "../cache/index.ts";
import { CACHE_CONTROL_DEFAULT } from "./cache-control.ts";
import { toQuestion } from "./cacheable.ts";
import type { ChatCall, Explained } from "./call.ts";
import { contextOf } from "./context.ts";
import type { FlowKit } from "./kit.ts";
import { besideOf, type Sharing } from "./sharing.ts";

/** Looks up a request without a session, with the reasons for the result. Throws like the cache's `lookup`. */
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

/** Converts a request without a session to its question for the cache; `undefined` if no stored answer could serve it. Pure. */
export function questionOf(
  call: Pick<ChatCall, "request" | "user" | "key" | "per" | "control">,
  sharing: Sharing | undefined,
): Question | undefined {
  const beside = besideOf(sharing, call, call.control ?? CACHE_CONTROL_DEFAULT);
  return toQuestion(call.request, contextOf(call.request, []), beside);
}
