import { besideText, type ChatCall, type ChatOutcome } from "../../flow/index.ts";
import type { Asker } from "../asker.ts";
import { admit } from "../asking.ts";
import type { GatewayApp } from "../parts.ts";
import { conversationOf, toChatRequest, type ResponseRequest } from "./request.ts";
import type { Item } from "./shape.ts";

/** Asks a tenant's flow what a response is to answer, after the responses before it. */
export async function askFlow(
  parts: Pick<GatewayApp, "tenants" | "accounts">,
  asker: Asker,
  asked: { readonly request: ResponseRequest; readonly input: readonly Item[]; readonly stream: boolean },
  how: Pick<ChatCall, "control" | "signal">,
): Promise<ChatOutcome> {
  const { conversation, previous_response_id: previous } = asked.request;
  const history = previous == null ? [] : await parts.tenants(asker.scope).responses.history(previous, asker);
  const chat = toChatRequest(asked.request, history, asked.input);
  const { tenant, limiter } = await admit(parts, asker);
  const { id: _, type: __, ...last } = asked.input.at(-1) ?? {};
  return tenant.flow.chat({
    ...how,
    request: { ...chat, ...(asked.stream && { stream: true, stream_options: { include_usage: true } }) },
    within: besideText(last),
    user: asker.user,
    key: asker.key,
    limiter,
    conversation: conversation == null ? undefined : conversationOf(conversation),
  });
}
