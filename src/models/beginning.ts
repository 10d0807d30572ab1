import type { ChatChunk } from "./chat.ts";
import type { ChatModel, StreamPart } from "./model.ts";
import { isText } from "../internal/fields.ts";

/** Parts that are held back at most until a stream says something. */
const HELD_MAX = 256;

/** A model whose streams resolve once they say something: what they fail with before is a failure of the call, with a status of its own. */
export function heldModel<M extends ChatModel>(model: M): M {
  return {
    ...model,
    async stream(call) {
      const stream = await model.stream(call);
      const said = await untilSaid(stream);
      return { ...stream, [Symbol.asyncIterator]: () => said };
    },
  };
}

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
  return {
    next() {
      const first = held.shift();
      return first === undefined ? source.next() : Promise.resolve(first);
    },
  };
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
