import { isText } from "../internal/fields.ts";
import { CHOICES_MAX, tooMany } from "./answer-bounds.ts";
import { openCalls, type ExpectedCalls } from "./calls.ts";
import type { ChatChunk } from "./chat.ts";
import { malformed } from "./failures.ts";
import { createRepeats } from "./growth.ts";
import type { StreamPart } from "./model.ts";
import type { PartReader } from "./parts.ts";
import { toChunk } from "./received.ts";
import { createEventReader, toEvent, upToLineEnd } from "./sse.ts";

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

  /** Reads the chunks of a piece up to an error. @throws the error if nothing came before it */
  function readAll(events: readonly string[], came: Buffer): StreamPart {
    const [chunks, anew]: [ChatChunk[], string[]] = [[], []];
    for (const [at, event] of events.entries()) {
      if (event === "") continue;
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
        return {
          bytes: write(at === 0 ? came.subarray(0, 0) : upToLineEnd(came, reader.lineEndsAfter(at - 1))),
          chunks,
          done,
        };
      }
    }
    return { bytes: write(came), chunks, done };

    function write(bytes: Buffer): Buffer {
      if (isWrittenAnew) return Buffer.from(anew.join(""));
      return events.some(isOdd) ? withoutOdd(bytes) : bytes;
    }
  }

  /** Converts a piece to a part. Most events repeat the previous one except for their text, and need no parsing, also with calls. */
  function toPart(bytes: Buffer): StreamPart {
    const isWhole = reader.isBetweenEvents();
    const text = reader.decode(bytes);
    return (isWhole ? repeats.read(text, bytes) : undefined) ?? readAll(reader.readText(text), bytes);
  }

  /** Reads an event, and whether it can be sent unchanged; `undefined` for the last one. */
  function read(data: string): { readonly told: ChatChunk; readonly isSame: boolean } | undefined {
    if (data.trimStart().startsWith(DONE)) {
      repeats.note(data, undefined);
      if (ended.size === 0) throw malformed("its stream has no choices");
      done = true;
      return undefined;
    }
    const chunk = toChunk(data, secrets);
    const told = calls.read(chunk);
    repeats.note(data, done || told !== chunk ? undefined : chunk);
    if (Array.isArray(told.choices))
      for (const { index = 0, finish_reason: reason, delta } of told.choices) {
        if (ended.size === CHOICES_MAX && !ended.has(index)) throw tooMany(CHOICES_MAX, "choices");
        ended.set(index, isText(reason) || ended.get(index) === true);
        if (!isHeard && delta) isHeard = onDelta(delta);
      }
    return { told, isSame: told === chunk };
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
      const part = readAll(last === undefined ? [] : [last], Buffer.from(last === undefined ? "" : "\n\n"));
      if (!done && (ended.size === 0 || ![...ended.values()].every(Boolean)))
        throw malformed("its stream ended before [DONE]");
      const bytes = done ? part.bytes : Buffer.concat([part.bytes, Buffer.from(toEvent("[DONE]"))]);
      done = true;
      return { bytes, chunks: part.chunks, done };
    },

    held: () => held,
    isDone: () => done,
  };
}

/** Returns true for an empty event, which by the standard is none, or for an end in a form that clients do not expect. */
function isOdd(event: string): boolean {
  return event === "" || (event.length > DONE.length && event.trimStart().startsWith(DONE));
}

/** Removes such events from bytes, and adds the usual end. */
function withoutOdd(bytes: Buffer): Buffer {
  const text = bytes.toString("latin1").replaceAll(/^data: ?\r?\n\r?\n/gm, "");
  return Buffer.from(text.replaceAll(/^data:[ \t]*\[DONE\][^\r\n]*/gm, `data: ${DONE}`), "latin1");
}

const DONE = "[DONE]";
