import { MarrowError } from "../../errors.ts";
import type { ChatCall } from "../../flow/index.ts";
import type { Work } from "../../queue/index.ts";
import type { Asker } from "../tenancy/asker.ts";
import type { GatewayApp } from "../parts.ts";
import { openDeparture } from "../http/outlet.ts";
import { toErrorAnswer } from "../http/error-body.ts";
import { toEvents } from "./answer.ts";
import { askFlow } from "./ask.ts";
import { createAssembler } from "./assemble.ts";
import { writeEvent } from "./event-parts.ts";
import type { ResponseJob } from "./responses.ts";
import { wantsEncrypted } from "./translation.ts";
import type { KeptResponse } from "./shape.ts";

/** Dependencies of background responses. */
export type WorkParts = Pick<GatewayApp, "tenants" | "accounts" | "metrics" | "stores">;

/**
 * Makes a response in the background: its events are the job's output, and the response its result; for a cancelled one the partial
 * response.
 */
export async function makeResponse(parts: WorkParts, work: Work<ResponseJob>, asker: Asker): Promise<KeptResponse> {
  const gone = openDeparture();
  return make(parts, work, asker, gone).finally(() => gone.end());
}

async function make(
  parts: WorkParts,
  work: Work<ResponseJob>,
  asker: Asker,
  gone: ChatCall["gone"],
): Promise<KeptResponse> {
  const { response: shell, request, input, user, session } = work.payload;
  const { signal, idempotencyKey } = work;
  const asked = { request, input, stream: true, session, id: shell.id };
  const asking = await askFlow(parts, asker, asked, { signal, idempotencyKey, gone }).catch((error: unknown) => {
    const words = refusalOf(error);
    if (words === undefined) throw error;
    return words;
  });
  // Refused permanently: the client reads the reason as in a synchronous response.
  const refuse = (error: { readonly code: string; readonly message: string }): KeptResponse => {
    work.conclude("failed");
    return { response: { ...shell, status: "failed", error }, input, user };
  };
  if ("refused" in asking) return refuse(asking.refused);
  const { outcome, search } = asking;
  if (outcome.kind === "refused") {
    parts.metrics.refused(outcome.decision.refusedBy);
    const { retryAfterMs } = outcome.decision;
    // Waiting does not help if the request exceeds the limit itself.
    if (retryAfterMs === undefined)
      return refuse({ code: "rate_limit_exceeded", message: "the request is larger than the limit allows at once" });
    throw new MarrowError("rate_limited", "a limit refused the request", { details: { retryAfterMs } });
  }
  if (outcome.kind === "absent")
    throw new MarrowError("internal", "the request allows only a stored answer, and there is none");
  parts.metrics.cached(outcome.provenance.cache);
  const assembler = createAssembler(shell, { encrypted: wantsEncrypted(request) });
  let written = 0;
  try {
    for await (const event of toEvents(outcome, search, assembler)) written += await writeEvent(work, event);
  } catch (error) {
    if (!work.cancelled) throw error;
    assembler.close(true);
    return { response: assembler.response({ status: "cancelled" }), input, user };
  }
  const made = { response: assembler.response(), input, user, sealed: assembler.sealed() };
  await parts.tenants(asker.scope).responses.count(made, written);
  if (made.response.status === "incomplete") work.conclude("incomplete");
  return made;
}

/** Statuses that another try may mend. */
const PASSING = new Set([408, 409, 425, 429]);

/** Returns the error of an invalid request; `undefined` for a failure that may pass. */
function refusalOf(
  error: unknown,
): { readonly refused: { readonly code: string; readonly message: string } } | undefined {
  if (MarrowError.is(error, "aborted") || MarrowError.is(error, "unauthorized")) return undefined;
  const { status, body } = toErrorAnswer(error);
  if (status < 400 || status >= 500 || PASSING.has(status)) return undefined;
  const { code, message } = body.error;
  return { refused: { code, message } };
}
