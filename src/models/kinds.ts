import { anthropicModel } from "./anthropic/model.ts";
import { heldModel } from "./beginning.ts";
import type { DialectOptions } from "./dialect.ts";
import type { EndpointOptions } from "./endpoint.ts";
import { toMaker } from "./maker.ts";
import type { ChatModel } from "./model.ts";
import { openaiModel } from "./openai-compatible.ts";
import { responsesModel } from "./responses/model.ts";
import { signedModel } from "./signed-model.ts";

/** The APIs that an upstream may speak: chat completions, OpenAI's Responses, Anthropic's messages. */
export const UPSTREAM_KINDS = ["chat", "responses", "anthropic"] as const;

/** One of {@link UPSTREAM_KINDS}. */
export type UpstreamKind = (typeof UPSTREAM_KINDS)[number];

/**
 * A model behind an upstream of a kind. A stream resolves once it says something, so that an error before is a failure of the call. `outputLimit`
 * is of chat completions alone: the others have one name for it.
 */
export function upstreamModel(
  kind: UpstreamKind,
  { outputLimit, ...options }: EndpointOptions & DialectOptions,
): ChatModel & { close(): Promise<void> } {
  const { firstByteTimeoutMs, baseUrl } = options;
  const of = { chat: openaiModel, responses: responsesModel, anthropic: anthropicModel }[kind];
  return heldModel(
    signedModel(of({ ...options, outputLimit }), toMaker(kind, baseUrl), kind === "chat" ? kind : "translated"),
    firstByteTimeoutMs,
  );
}
