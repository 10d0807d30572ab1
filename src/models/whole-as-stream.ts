import { isObject } from "../internal/fields.ts";
import type { ChatChunk, ChatCompletion, ChatRequest } from "./chat.ts";
import type { StreamPart } from "./model.ts";
import { toEvent } from "./sse.ts";

/** A whole answer as the stream that was asked for: all of it in one event, then its usage where the request wants it. */
export async function* wholeAsStream(
  { choices, usage, ...head }: ChatCompletion,
  { stream_options: wanted }: ChatRequest,
): AsyncIterable<StreamPart> {
  const chunk = { ...head, object: "chat.completion.chunk" };
  const deltas = choices.map(({ message, ...rest }) => {
    const { tool_calls: calls } = message;
    const placed = Array.isArray(calls)
      ? (calls as readonly object[]).map((call, index) => ({ index, ...call }))
      : calls;
    return { ...rest, delta: { ...message, ...(placed !== undefined && { tool_calls: placed }) } };
  });
  const wantsUsage = isObject(wanted) && wanted["include_usage"] === true && usage !== undefined && usage !== null;
  const chunks: ChatChunk[] = [
    { ...chunk, choices: deltas },
    ...(wantsUsage ? [{ ...chunk, choices: [], usage }] : []),
  ];
  const said = chunks.map((one) => toEvent(JSON.stringify(one))).join("");
  yield { bytes: Buffer.from(said + toEvent("[DONE]")), chunks, done: true };
}
