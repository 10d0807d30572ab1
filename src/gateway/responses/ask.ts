import { createTimeSlice } from "../../internal/time-slice.ts";
import { MarrowError } from "../../errors.ts";
import { besideText, type ChatCall, type ChatOutcome } from "../../flow/index.ts";
import type { Fields } from "../../internal/fields.ts";
import type { Asker } from "../tenancy/asker.ts";
import { admit } from "../models/asking.ts";
import { withOwnName } from "../models/own-names.ts";
import type { GatewayApp } from "../parts.ts";
import { checkAnswered } from "./answered-calls.ts";
import { searchFiles, type Search } from "./file-search.ts";
import { noPrevious } from "./responses.ts";
import { keptAs } from "./kept-as.ts";
import { toOwnPath } from "./own-paths.ts";
import { conversationOf, newResponseId, toChatRequest, type ResponseRequest } from "./request.ts";
import { resolveFiles, type Known } from "./resolve.ts";
import { outputOf, type Item } from "./shape.ts";

/** Dependencies of asking. */
export type AskParts = Pick<GatewayApp, "tenants" | "accounts" | "stores">;

/** Result of asking: the flow's outcome, and the search before it. */
export interface Asked {
  readonly outcome: ChatOutcome;
  readonly search: Search | undefined;
}

/** Runs a tenant's flow for a response, after the previous responses. References in the input must be resolved. */
export async function askFlow(
  parts: AskParts,
  asker: Asker,
  asked: {
    readonly request: ResponseRequest;
    readonly input: readonly Item[];
    readonly stream: boolean;
    readonly known?: Known | undefined;
    /** Id of the response, from which the ids of its items in a conversation are derived. @default a new one */
    readonly id?: string | undefined;
    /** The session of the response. */
    readonly session?: string | undefined;
  },
  how: Pick<ChatCall, "control" | "signal" | "gone" | "keeps" | "idempotencyKey" | "deadline">,
): Promise<Asked> {
  const { request, input, known, session } = asked;
  const { conversation } = request;
  const history = await historyOf(parts, asker, request, known);
  const slice = createTimeSlice();
  const [before, now, search] = await Promise.all([
    resolveFiles(parts, asker, history),
    resolveFiles(parts, asker, input),
    searchFiles(parts, asker, request, input),
  ]);
  checkAnswered(before, now);
  const all = search === undefined ? now : [search.told, ...now];
  const chat = toChatRequest(request, before, all, session);
  const rest = slice();
  if (rest !== undefined) await rest;
  const { tenant, limiter, per } = await admit(parts, asker);
  tenant.checkRoom({ session, conversation: conversation == null ? undefined : conversationOf(conversation) });
  const { id: _, type: __, status: ___, ...last }: Partial<Item> = now.at(-1) ?? {};
  const call: ChatCall = {
    ...how,
    request: { ...chat, ...(asked.stream && { stream: true, stream_options: { include_usage: true } }) },
    within: withPhases(besideText(last), [...before, ...now]),
    user: asker.user,
    key: asker.key,
    limiter,
    per,
    session,
    conversation: conversation == null ? undefined : conversationOf(conversation),
    ...(conversation != null && { kept: keptAs(request, { input, now, search, id: asked.id ?? newResponseId() }) }),
    whole: true,
    lead: request.instructions == null ? 0 : 1,
    resultPath: (id) => `input.${input.findLastIndex((item) => item["call_id"] === id)}.call_id`,
  };
  const told = { request, before, now: all, sent: input, session, isSearching: search !== undefined };
  const outcome = await tenant.flow.chat(call).catch((error: unknown) => {
    throw withOwnName(error, (path) => toOwnPath(path, told), request);
  });
  return { outcome, search };
}

/** Returns the values that must be equal for two requests to share an answer, including the phases of messages, which chats lack. */
function withPhases(beside: unknown, items: readonly Item[]): unknown {
  const phases = items.map(({ phase }: Fields) => phase ?? null);
  return phases.every((phase) => phase === null) ? beside : [beside, phases];
}

/** Returns all items up to the previous response. @throws MarrowError `not_found` with OpenAI's code */
export async function historyOf(
  { tenants }: Pick<AskParts, "tenants">,
  asker: Asker,
  { previous_response_id: previous }: Pick<ResponseRequest, "previous_response_id">,
  known: Known | undefined,
): Promise<readonly Item[]> {
  if (previous == null) return [];
  const local = known?.(previous);
  if (local !== undefined) {
    const before = await historyOf({ tenants }, asker, local.response, known);
    return [...before, ...local.input, ...outputOf(local)];
  }
  return tenants(asker.scope)
    .responses.history(previous, asker)
    .catch((error: unknown) => {
      const isNamed = MarrowError.is(error) && error.details?.["answerCode"] !== undefined;
      throw MarrowError.is(error, "not_found") && !isNamed ? noPrevious(previous) : error;
    });
}
