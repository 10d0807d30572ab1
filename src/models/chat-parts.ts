import { isObject, isText } from "../internal/fields.ts";
import { withStrings, type LongText } from "../internal/long-text.ts";
import { CHOICES_MAX, isLong, tooMany } from "./answer-bounds.ts";
import { openCalls, type ExpectedCalls } from "./calls.ts";
import type { ChatChunk } from "./chat.ts";
import { cutChunk } from "./cut-chunk.ts";
import { malformed } from "./failures.ts";
import { createRepeats } from "./growth.ts";
import type { StreamPart } from "./model.ts";
import type { PartReader } from "./parts.ts";
import { partsOf } from "./long-parts.ts";
import { toChunk, toLongChunk } from "./received.ts";
import { createEventReader, toEvent, upToLineEnd, type EventData } from "./sse.ts";

/**
 * Reads the pieces of a stream unchanged. For a request with tools the events are rewritten, because providers stream calls in forms that
 * OpenAI's clients do not read. `onDelta` is called with each delta until it returns true.
 */
export function readChatParts(
  secrets: readonly string[],
  expected: ExpectedCalls,
  onDelta: (delta: object) => boolean = () => true,
): PartReader {
  const [reader, calls, repeats] = [createEventReader(), openCalls(expected), createRepeats()];
  const isWrittenAnew = expected.names.size > 0;
  /** Answers that have begun, and whether each has ended. */
  const ended = new Map<number, boolean>();
  let done = false;
  let isHeard = false;
  let isFirst = true;
  /** Error of an event that arrived in one piece with earlier events, which are sent first. */
  let held: { readonly error: unknown } | undefined;
  /** Bytes of an event that has begun. */
  const open: Buffer[] = [];
  /** The rest of a piece from a long event on. */
  let later: AsyncGenerator<StreamPart, undefined> | undefined;

  /** Reads the chunks of some events up to an error. `endOf`: where an event ends in the bytes. @throws the error if nothing came before it */
  function readAll(
    events: readonly EventData[],
    came: Buffer,
    endOf: (nth: number) => number,
  ): StreamPart & { readonly bytes: Buffer } {
    const [chunks, anew]: [ChatChunk[], string[]] = [[], []];
    for (const [at, data] of events.entries()) {
      if (data === "") continue;
      // Long events are read apart, but for one behind the end.
      const event = String(data);
      try {
        const chunk = read(event);
        const last = chunk === undefined && isWrittenAnew ? calls.end() : undefined;
        const told = chunk?.told ?? last;
        if (told !== undefined) chunks.push(told);
        if (!isWrittenAnew) continue;
        const asItCame = chunk?.isSame === true && !event.includes("\n");
        if (told !== undefined) anew.push(toEvent(asItCame ? event : JSON.stringify(told)));
        if (chunk === undefined) anew.push(toEvent(DONE));
      } catch (error) {
        // Data after the end does not belong to the answer.
        if (!done && chunks.length === 0) throw error;
        if (!done) held = { error };
        return { bytes: write(came.subarray(0, at === 0 ? 0 : endOf(at - 1))), chunks, done };
      }
    }
    return { bytes: write(came), chunks, done };

    function write(bytes: Buffer): Buffer {
      if (isWrittenAnew) return Buffer.from(anew.join(""));
      return events.some(isOdd) ? withoutOdd(bytes) : bytes;
    }
  }

  /**
   * Converts a piece to a part, without the event that it ends in. Most events repeat the previous one except for their text, and need no
   * parsing, also with calls.
   */
  function toPart(bytes: Buffer): StreamPart {
    const isWhole = reader.isBetweenEvents();
    const text = reader.decode(bytes);
    const repeated = isWhole ? repeats.read(text, bytes) : undefined;
    if (repeated !== undefined) return repeated;
    const events = reader.readText(text);
    const endOf = (nth: number) => upToLineEnd(bytes, reader.lineEndsAfter(nth)).length;
    const end = reader.isBetweenEvents() ? bytes.length : events.length === 0 ? 0 : endOf(events.length - 1);
    const begun = events.length === 0 && end === 0 ? [] : open.splice(0);
    if (end < bytes.length) open.push(bytes.subarray(end));
    const long = events.findIndex(isLongChunk);
    if (long !== -1) later = readFrom(events, long, { bytes: bytes.subarray(0, end), endOf });
    // The bytes of a long event are written anew.
    if (long === 0) return NOTHING;
    const said = bytes.subarray(0, long === -1 ? end : endOf(long - 1));
    if (begun.length === 0) return readAll(long === -1 ? events : events.slice(0, long), said, endOf);
    const whole = Buffer.concat([...begun, said]);
    const before = whole.length - said.length;
    return readAll(long === -1 ? events : events.slice(0, long), whole, (nth) => before + endOf(nth));
  }

  /** Reads the events of a piece from a long one on, in turns of the event loop. A long event is passed on in pieces. */
  async function* readFrom(
    events: readonly EventData[],
    first: number,
    { bytes, endOf }: { readonly bytes: Buffer; readonly endOf: (nth: number) => number },
  ): AsyncGenerator<StreamPart, undefined> {
    for (let at = first; at < events.length && !done && held === undefined;) {
      const event = events[at] as EventData;
      if (isLongChunk(event)) {
        yield* partsOf(toLong(await toLongChunk(event, secrets)));
        at += 1;
        continue;
      }
      const next = events.findIndex((one, nth) => nth > at && isLongChunk(one));
      const [from, begin, end] = [at, endOf(at - 1), next === -1 ? bytes.length : endOf(next - 1)];
      at = next === -1 ? events.length : next;
      yield readAll(events.slice(from, at), bytes.subarray(begin, end), (nth) => endOf(from + nth) - begin);
    }
  }

  /** Reads an event, and whether it can be sent unchanged; `undefined` for the last one. */
  function read(data: string): { readonly told: ChatChunk; readonly isSame: boolean } | undefined {
    if (isEnd(data)) {
      repeats.note(data, undefined);
      if (ended.size === 0) throw malformed("its stream has no choices");
      done = true;
      return undefined;
    }
    const chunk = toChunk(data, secrets);
    const told = note(chunk);
    repeats.note(data, done || told !== chunk ? undefined : chunk);
    return { told, isSame: told === chunk };
  }

  /** Reads a long event piece by piece; calls that have no place are told apart by their list, so that it is read whole. */
  function* toLong(chunk: ChatChunk): Generator<ChatChunk> {
    repeats.note("", undefined);
    if (!hasPlaces(chunk)) yield note(withStrings(chunk));
    else for (const piece of cutChunk(chunk)) yield note(piece);
  }

  /** Reads a chunk, and returns the one to send. */
  function note(chunk: ChatChunk): ChatChunk {
    const told = calls.read(chunk);
    if (Array.isArray(told.choices))
      for (const { index = 0, finish_reason: reason, delta } of told.choices) {
        if (ended.size === CHOICES_MAX && !ended.has(index)) throw tooMany(CHOICES_MAX, "choices");
        ended.set(index, isText(reason) || ended.get(index) === true);
        if (!isHeard && delta) isHeard = onDelta(delta);
      }
    return told;
  }

  return {
    read(piece) {
      // Clients that read a byte order mark as part of the first line would lose its event.
      const isMarked = isFirst && piece[0] === 0xef && piece[1] === 0xbb && piece[2] === 0xbf;
      isFirst = false;
      const part = toPart(isMarked ? piece.subarray(3) : piece);
      // An incomplete event is sent once it is complete.
      return part.bytes.length > 0 || part.done ? part : undefined;
    },

    /**
     * Handles a stream that ends without `[DONE]`. If all its answers have a finish reason, it is complete: some endpoints send no
     * `[DONE]`.
     */
    end() {
      const last = reader.end();
      // The last line may lack its line end, so one is added before anything follows.
      const bytes = last === undefined ? NOTHING.bytes : Buffer.concat([...open, Buffer.from("\n\n")]);
      open.length = 0;
      if (last !== undefined && isLongChunk(last)) {
        later = readFrom([last], 0, { bytes, endOf: () => bytes.length });
        return undefined;
      }
      const part = readAll(last === undefined ? [] : [last], bytes, () => bytes.length);
      if (!done && (ended.size === 0 || ![...ended.values()].every(Boolean)))
        throw malformed("its stream ended before [DONE]");
      const said = done ? part.bytes : Buffer.concat([part.bytes, Buffer.from(toEvent(DONE))]);
      done = true;
      return { bytes: said, chunks: part.chunks, done };
    },

    later() {
      const now = later;
      later = undefined;
      return now;
    },
    held: () => held,
    isDone: () => done,
  };
}

/** Returns true for the end of the stream. */
function isEnd(event: EventData): boolean {
  const begin = typeof event === "string" ? event : (event.pieces[0] ?? "");
  return begin.trimStart().startsWith(DONE);
}

/** Returns true if each call in a chunk has its index. */
function hasPlaces({ choices }: ChatChunk): boolean {
  return (choices ?? []).every(({ delta }) => {
    const calls = delta?.["tool_calls"];
    return !Array.isArray(calls) || calls.every((one: unknown) => isObject(one) && typeof one["index"] === "number");
  });
}

function isLongChunk(event: EventData): event is LongText {
  return isLong(event) && !isEnd(event);
}

/** Returns true for an empty event, which by the standard is none, or for an end in a form that clients do not expect. */
function isOdd(event: EventData): boolean {
  return event === "" || (event.length > DONE.length && isEnd(event));
}

/** Removes such events from bytes, and adds the usual end. */
function withoutOdd(bytes: Buffer): Buffer {
  const text = bytes.toString("latin1").replaceAll(/^data: ?\r?\n\r?\n/gm, "");
  return Buffer.from(text.replaceAll(/^data:[ \t]*\[DONE\][^\r\n]*/gm, `data: ${DONE}`), "latin1");
}

const DONE = "[DONE]";
const NOTHING: StreamPart & { readonly bytes: Buffer } = { bytes: Buffer.alloc(0), chunks: [], done: false };
