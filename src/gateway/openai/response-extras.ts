import { createTimeSlice } from "../../internal/time-slice.ts";
import { MarrowError } from "../../errors.ts";
import { askerOf } from "../tenancy/asker.ts";
import { refuseCall, toHeaders } from "../models/asking.ts";
import type { GatewayApp } from "../parts.ts";
import { historyOf } from "../responses/ask.ts";
import { compact, compactBody } from "../responses/compact.ts";
import { toInputItems } from "../responses/input.ts";
import {
  conversationOf,
  countedBody,
  newResponseId,
  toChatRequest,
  type CountedRequest,
  type ResponseRequest,
} from "../responses/request.ts";
import { resolveFiles, resolveReferences } from "../responses/resolve.ts";
import { checkKept } from "../responses/turn.ts";
import { withHistory } from "../../flow/index.ts";
import { sendLarge } from "../http/large-answer.ts";
import { countTokens } from "../models/tokens.ts";
import { toJsonText } from "../../internal/json-pieces.ts";

/** Registers `POST /v1/responses/compact` and `/v1/responses/input_tokens`. */
export function registerResponseExtras(parts: GatewayApp): void {
  const { app } = parts;

  app.post("/v1/responses/compact", { schema: { body: compactBody } }, async (request, reply) => {
    const body = request.body as ResponseRequest;
    const compacted = await compact(parts, askerOf(request, body.user), body);
    if (compacted.kind === "refused") return refuseCall(reply, parts, compacted.decision);
    return sendLarge(reply.headers(toHeaders(compacted.provenance, request.id)), compacted.body);
  });

  // Counted by the encoding o200k_base: right for OpenAI's models, near for others.
  app.post("/v1/responses/input_tokens", { schema: { body: countedBody } }, async (request) => {
    const { model, ...counted } = request.body as CountedRequest;
    if (model != null && parts.findModel(model) === undefined)
      throw new MarrowError("not_found", "the model does not exist", { details: { path: "model" } });
    const body = { ...counted, model: model ?? "" } as ResponseRequest;
    const asker = askerOf(request, body.user);
    const id = newResponseId();
    const slice = createTimeSlice();
    const items = await resolveReferences(parts, asker, body, { id, items: toInputItems(body, id) });
    checkKept(body, undefined);
    const [input, history, turns] = await Promise.all([
      resolveFiles(parts, asker, items),
      historyOf(parts, asker, body, undefined),
      body.conversation == null
        ? []
        : parts.tenants(asker.scope).turnsOf(asker.user, conversationOf(body.conversation)),
    ]);
    const { messages, tools } = toChatRequest(body, history, input);
    const rest = slice();
    if (rest !== undefined) await rest;
    const told = tools == null ? [] : [{ role: "system", content: await toJsonText(tools) }];
    return {
      object: "response.input_tokens",
      input_tokens: await countTokens(asker.scope, [...told, ...withHistory(messages, turns)]),
    };
  });
}
