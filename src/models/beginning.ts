import { pushAfter, type Pushable } from "../internal/push.ts";
import type { ChatChunk } from "./chat.ts";
import type { ChatModel, ModelStream, StreamPart } from "./model.ts";
import { EVENT_CHARS_MAX } from "./sse.ts";
import { isText } from "../internal/fields.ts";

/**
 * Most bytes buffered until a stream has content: as many as the longest readable event, so that an early error of any length fails the
 * call.
 */
const HELD_BYTES_MAX = EVENT_CHARS_MAX;
/** Approximate memory of a part beside its bytes. */
const PART_BYTES = 512;
/** Longest time without content before a stream is passed on anyway: the same as for the first byte. */
const SILENT_MS_MAX = 300_000;

/** Wraps a model so that its streams resolve once they have content. An error before that fails the call, with its own status. */
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
 * Reads a stream until it has content, and returns all of it. Roles, comments and empty pieces are no content: if the stream breaks before,
 * the client got nothing, so another upstream can be tried. Beyond {@link HELD_BYTES_MAX}, or after `silentMs`, it is passed on.
 * @throws the stream's error before its content
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

/** Usage accompanies content and is none itself. */
function says({ choices }: ChatChunk): boolean {
  return (choices ?? []).some(
    ({ delta, finish_reason: reason }) =>
      isText(reason) || Object.entries(delta ?? {}).some(([name, value]) => name !== "role" && !isEmpty(value)),
  );
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0);
}
