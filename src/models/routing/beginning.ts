import type { ChatChunk } from "../chat.ts";
import type { StreamPart } from "../model.ts";
import { isText } from "../../internal/fields.ts";

/** Parts that are held back at most until a stream says something. */
const HELD_MAX = 256;

/**
 * Reads a stream until it says something, and answers the whole of it. Roles, comments and empty pieces say nothing: a stream that breaks
 * before has told nobody anything, so another upstream can be asked instead.
 * @throws what the stream fails with before
 */
export async function untilSaid(stream: AsyncIterable<StreamPart>): Promise<AsyncIterator<StreamPart>> {
  const source = stream[Symbol.asyncIterator]();
  const held: IteratorResult<StreamPart>[] = [];
  while (held.length < HELD_MAX) {
    const result = await source.next();
    held.push(result);
    if (result.done === true || result.value.done || result.value.chunks.some(says)) break;
  }
  return { next: async () => held.shift() ?? source.next() };
}

/** Usage is told beside what was said, never instead of it: counts alone are nobody's answer. */
function says({ choices }: ChatChunk): boolean {
  return (choices ?? []).some(
    ({ delta, finish_reason: reason }) =>
      isText(reason) || Object.entries(delta ?? {}).some(([name, value]) => name !== "role" && !isEmpty(value)),
  );
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0);
}
