import { MarrowError } from "../errors.ts";
import { withDeadline, type ChatModel } from "../models/index.ts";
import type { ChatCall, ChatOutcome, Flow, FlowOptions, Provenance } from "./call.ts";
import { CACHE_CONTROL_DEFAULT } from "./cache-control.ts";
import { explain } from "./explaining.ts";
import { createKit, type FlowKit } from "./kit.ts";
import { withOwnIndex } from "./own-index.ts";
import { describeLookup } from "./provenance.ts";
import { staged, telling } from "./signals.ts";
import { ask } from "./stages/ask.ts";
import { begin, type Begun } from "./stages/begin.ts";
import type { Exchange } from "./stages/exchange.ts";
import { replay } from "./stages/replay.ts";
import { reserve, type Reserved } from "./stages/reserve.ts";
import { share } from "./stages/share.ts";

/** Makes the request path from one scope's roles. */
export function createFlow(options: FlowOptions): Flow {
  const kit = createKit(options);
  return { chat: (call) => telling(call, (told) => chat(kit, told)), explain: (call) => explain(kit, call) };
}

/**
 * Runs the stages of a request: begin (admit, read the session, look up the exact answer), reserve (tokens, the similar answer, join a
 * flight), then one of replay, ask and share. Ask and share end with finish.
 */
async function chat(kit: FlowKit, call: ChatCall): Promise<ChatOutcome> {
  const startMs = performance.now();
  const { control = CACHE_CONTROL_DEFAULT } = call;
  const model = modelFor(kit, call);
  const begun = await begin(kit, call, control);
  if (begun.decision?.allowed === false) return { kind: "refused", decision: begun.decision };
  const { decision, found, asking } =
    begun.found?.hit === true ? { ...begun, asking: undefined } : await reserve(kit, call, control, begun);
  if (decision?.allowed === false && found?.hit !== true) {
    if (asking?.role === "lead") void asking.leave();
    void begun.keeping.withdraw();
    kit.settle(begun.decision, { requests: 0 });
    return { kind: "refused", decision };
  }
  const provenance = provenanceOf(kit, begun, { decision, found, asking });
  const { session, keeping, question } = begun;
  const since = { startMs, askedMs: performance.now() };
  const history = begun.window?.turns ?? [];
  const toStore = begun.served && !control.noStore ? question : undefined;
  const exchange: Exchange = { ...call, session, keeping, history, decision, model, question: toStore, since };
  if (found?.hit === true) return replay(kit, exchange, found, provenance);
  if (control.onlyIfCached) return { kind: "absent", provenance };
  return staged("ask", async () => {
    try {
      if (asking === undefined || asking.role === "lead") return await ask(kit, exchange, provenance, asking);
      return await share(kit, exchange, { ...provenance, cache: "shared" }, asking);
    } catch (error) {
      throw withOwnIndex(error, exchange);
    }
  });
}

/** Finds the model of a request, bounded by its deadline. @throws MarrowError `not_found` */
function modelFor({ findModel }: FlowKit, { request, deadline }: ChatCall): ChatModel {
  const model = findModel(request.model);
  if (model === undefined)
    throw new MarrowError("not_found", "the model does not exist", { details: { path: "model" } });
  return deadline?.whole === true ? withDeadline(model, deadline.atMs) : model;
}

/** Builds the origin of an answer for its headers. */
function provenanceOf(
  { tellsSaved }: FlowKit,
  { session, window, served }: Begun,
  { decision, found, asking }: Reserved,
): Provenance {
  const isAlone = asking?.role === "lead" && asking.isAlone;
  return {
    // If Redis is read-only, nothing is stored either, so the cache counts as bypassed.
    cache: found?.hit === true ? found.match : served && !isAlone ? "miss" : "bypass",
    ...describeLookup(found),
    ...(tellsSaved === true && found?.hit === true && { saved: found.cost }),
    session: session === undefined ? undefined : window === undefined ? "unavailable" : "kept",
    decision,
  };
}
