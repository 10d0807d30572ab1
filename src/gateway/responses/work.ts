import { MarrowError } from "../../errors.ts";
import type { Work } from "../../queue/index.ts";
import type { GatewayApp } from "../parts.ts";
import { toEvents } from "./answer.ts";
import { askFlow } from "./ask.ts";
import { createAssembler } from "./assemble.ts";
import type { ResponseJob } from "./responses.ts";
import type { KeptResponse } from "./shape.ts";

/** What the work in the background needs of the gateway. */
export type WorkParts = Pick<GatewayApp, "tenants" | "accounts" | "metrics">;

/** Makes a response in the background: its events are the job's output, the response is its result; a cancelled one is what there was of it. */
export async function makeResponse(parts: WorkParts, work: Work<ResponseJob>): Promise<KeptResponse> {
  const { response: shell, request, input, user, asker } = work.payload;
  const { signal } = work;
  const outcome = await askFlow(parts, asker, { request, input, stream: true }, { signal });
  if (outcome.kind === "refused") {
    parts.metrics.refused(outcome.decision.refusedBy);
    throw new MarrowError("rate_limited", "a limit refused the request", {
      details: { retryAfterMs: outcome.decision.retryAfterMs ?? 60_000 },
    });
  }
  if (outcome.kind === "absent") throw new MarrowError("internal", "only a stored answer was asked for");
  parts.metrics.cached(outcome.provenance.cache);
  const assembler = createAssembler(shell);
  try {
    for await (const event of toEvents(outcome, assembler)) work.write(JSON.stringify(event));
  } catch (error) {
    if (!work.cancelled) throw error;
    assembler.close();
    return { response: assembler.response("cancelled"), input, user };
  }
  const response = assembler.response();
  if (response.status === "incomplete") work.conclude("incomplete");
  return { response, input, user };
}
