import { randomUUID } from "node:crypto";
import { isObject, isText, type Fields } from "../internal/fields.ts";
import { placedCalls } from "./calls.ts";
import type { ChatCompletion, ChatRequest } from "./chat.ts";
import { partsOf } from "./long-parts.ts";
import type { StreamPart } from "./model.ts";
import { toEvent } from "./sse.ts";

/** Converts a whole answer to the requested stream: all of it in one event, or in several if it is long, then its usage if requested. */
export async function* wholeAsStream(
  { choices, usage, ...head }: ChatCompletion,
  { model, stream_options: wanted }: ChatRequest,
): AsyncIterable<StreamPart> {
  const { id, created } = head as Fields;
  const chunk = {
    ...head,
    id: isText(id) ? id : `chatcmpl-${randomUUID()}`,
    object: "chat.completion.chunk",
    created: typeof created === "number" ? created : Math.floor(Date.now() / 1_000),
    model: isText(head.model) ? head.model : model,
  };
  const deltas = choices.map(({ message, ...given }, at) => {
    const hasCalls = Array.isArray(message["tool_calls"]) && message["tool_calls"].length > 0;
    const rest = {
      ...given,
      index: typeof given.index === "number" ? given.index : at,
      finish_reason: isText(given.finish_reason) ? given.finish_reason : hasCalls ? "tool_calls" : "stop",
    };
    const { tool_calls: calls } = message;
    const placed = Array.isArray(calls) ? placedCalls(calls as readonly unknown[]) : calls;
    return { ...rest, delta: { ...message, ...(placed !== undefined && { tool_calls: placed }) } };
  });
  const wantsUsage = isObject(wanted) && wanted["include_usage"] === true && usage !== undefined && usage !== null;
  yield* partsOf([{ ...chunk, choices: deltas }, ...(wantsUsage ? [{ ...chunk, choices: [], usage }] : [])]);
  yield { bytes: Buffer.from(toEvent("[DONE]")), chunks: [], done: true };
}
