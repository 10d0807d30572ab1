import { anthropicModel } from "./anthropic/model.ts";
import { heldModel } from "./beginning.ts";
import type { DialectOptions } from "./dialect.ts";
import type { EndpointOptions } from "./endpoint.ts";
import { toMaker } from "./maker.ts";
import type { ChatModel } from "./model.ts";
import { openaiModel } from "./openai-compatible.ts";
import { responsesModel } from "./responses/model.ts";
import { signedModel } from "./signed-model.ts";

/** APIs of upstreams: chat completions, OpenAI's Responses, Anthropic's messages. */
export const UPSTREAM_KINDS = ["chat", "responses", "anthropic"] as const;

/** One of {@link UPSTREAM_KINDS}. */
export type UpstreamKind = (typeof UPSTREAM_KINDS)[number];

/**
 * Makes a model of an upstream of any kind. A stream resolves once it has content, so that an earlier error fails the call. `outputLimit`
 * only applies to chat completions.
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
