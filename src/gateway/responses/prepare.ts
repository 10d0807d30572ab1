import { MarrowError } from "../../errors.ts";
import type { ChatOutcome } from "../../flow/index.ts";
import type { Asker } from "../tenancy/asker.ts";
import { admit } from "../models/asking.ts";
import type { GatewayApp } from "../parts.ts";
import { checkAnswered } from "./answered-calls.ts";
import { historyOf, type AskParts } from "./ask.ts";
import type { Assembler } from "./assemble.ts";
import { toChatRequest, type ResponseRequest } from "./request.ts";
import { resolveFiles, type Known } from "./resolve.ts";
import type { Item, ResponseEvent } from "./shape.ts";
import { refused, toChatFields } from "./translation.ts";

/** Dependencies of preparing. */
export type PrepareParts = AskParts & Pick<GatewayApp, "findModel">;

/** A response without a model call. */
export interface Prepared {
  readonly kind: "prepared";
  readonly provenance: Extract<ChatOutcome, { kind: "whole" }>["provenance"];
}

/**
 * Checks and stores a response without a model call (`generate: false`), so that later ones can continue from it. It counts as one request,
 * and uses no tokens.
 * @throws MarrowError errors that a normal response would throw before the model, and `invalid_input` for a conversation
 */
export async function prepare(
  parts: PrepareParts,
  asker: Asker,
  { request, input, known }: { request: ResponseRequest; input: readonly Item[]; known: Known | undefined },
): Promise<Prepared | Extract<ChatOutcome, { kind: "refused" }>> {
  if (request.conversation != null)
    throw refused("generate", "false with a conversation", "; add items at /v1/conversations/{id}/items");
  const history = await historyOf(parts, asker, request, known);
  const [before, now] = await Promise.all([resolveFiles(parts, asker, history), resolveFiles(parts, asker, input)]);
  checkAnswered(before, now);
  if (before.length + now.length === 0) toChatFields(request);
  else toChatRequest(request, before, now);
  const { model } = request;
  if (parts.findModel(model) === undefined)
    throw new MarrowError("not_found", "the model does not exist", { details: { path: "model" } });
  const { limiter } = await admit(parts, asker);
  const subjects = { user: asker.user, model, ...(asker.key !== undefined && { key: asker.key }) };
  const decision = await limiter?.take(subjects, { requests: 1, concurrency: 0 });
  if (decision?.allowed === false) return { kind: "refused", decision };
  return { kind: "prepared", provenance: { cache: "bypass", decision } };
}

/** Yields the events of a prepared response except the last. */
export async function* toPreparedEvents(assembler: Assembler): AsyncGenerator<ResponseEvent> {
  yield* assembler.begin();
  yield* assembler.add({ choices: [], usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } });
}
