import { pushAfter, type Pushable } from "../internal/push.ts";
import type { ChatChunk } from "./chat.ts";
import type { ChatModel, ModelStream, StreamPart } from "./model.ts";
import { EVENT_CHARS_MAX } from "./sse.ts";
import { isText } from "../internal/fields.ts";

/**
 * Bytes that are held back at most until a stream says something: as much as the longest event that is read, so that an error of any length
 * is still a failure of the call.
 */
const HELD_BYTES_MAX = EVENT_CHARS_MAX;
/** What a part costs beside its bytes, about. */
const PART_BYTES = 512;
/** How long a stream may say nothing until it is handed on as it comes: as long as the first byte may take. */
const SILENT_MS_MAX = 300_000;

/** A model whose streams resolve once they say something: what they fail with before is a failure of the call, with a status of its own. */
export function heldModel<M extends ChatModel>(model: M, silentMs?: number): M {
  return {
    ...model,
    async stream(call) {
      const stream = await model.stream(call);
      const said = await untilSaid(stream, silentMs);
      return { ...stream, [Symbol.asyncIterator]: () => said };
    },
  };
}

/**
 * Reads a stream until it says something, and answers the whole of it. Roles, comments and empty pieces say nothing: a stream that breaks
 * before has told nobody anything, so another upstream can be asked instead. Beyond {@link HELD_BYTES_MAX}, or after `silentMs`, it is handed on.
 * @throws what the stream fails with before
 */
async function untilSaid(stream: ModelStream, silentMs: number = SILENT_MS_MAX): Promise<Pushable<StreamPart>> {
  const source = stream[Symbol.asyncIterator]();
  const held: IteratorResult<StreamPart, unknown>[] = [];
  const sinceMs = performance.now();
  for (let bytes = 0; bytes < HELD_BYTES_MAX && performance.now() - sinceMs < silentMs;) {
    const result = await source.next();
    held.push(result);
    if (result.done === true || result.value.done || result.value.chunks.some(says)) break;
    bytes += result.value.bytes.length + PART_BYTES;
  }
  return {
    next() {
      const first = held.shift();
      return first === undefined ? source.next() : Promise.resolve(first);
    },
    push: (sink) => pushAfter(held, source, sink),
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
