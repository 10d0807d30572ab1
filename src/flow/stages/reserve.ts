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
import { noteStep } from "../../internal/steps.ts";

/** Results of the second round trip. */
export interface Reserved {
  readonly decision: Decision | undefined;
  readonly found: Lookup<StoredAnswer> | undefined;
  /** The flight of the same answer; `undefined` if nothing is shared. */
  readonly asking: Together | undefined;
}

/**
 * Runs the second round trip. Tokens are only reserved now, together with the similar lookup, because a stored answer uses none. The
 * session stores the question now, because its answer may take long.
 */
export async function reserve(
  kit: FlowKit,
  { request, user }: ChatCall,
  control: CacheControl,
  { limiter, subjects, decision, found, question, served, keeping }: Begun,
): Promise<Reserved> {
  const counts = !control.onlyIfCached && decision?.rules.some(({ unit }) => unit !== "requests") === true;
  const shares = served && !control.noCache && !control.noStore && !control.onlyIfCached;
  const similar = served ? lookup(kit, question, "similar", control, user) : undefined;
  const joining = shares ? join(kit, question, control, similar, user) : undefined;
  if (!control.onlyIfCached) keeping.open();
  if (!counts && !served) return { decision, found, asking: undefined };
  try {
    const [reserved, near, asking] = await Promise.all([
      counts ? limiter?.take(subjects, toEstimate(request, kit.prices), { reserve: true }) : undefined,
      similar,
      joining,
    ]);
    noteStep("ask");
    return { decision: reserved ?? decision, found: near ?? found, asking };
  } catch (error) {
    void keeping.withdraw();
    // A caller that gave up must not stay the leader of its flight.
    const asking = await joining?.catch(() => undefined);
    if (asking?.role === "lead") await asking.leave();
    throw error;
  }
}
