import type { Pushable, Pushing, Sink } from "../internal/push.ts";
import { toFailure, unreadable } from "./failures.ts";
import type { HttpAnswer } from "./http.ts";
import type { StreamPart } from "./model.ts";

/** Reads the pieces of one streamed answer. */
export interface PartReader {
  /**
   * Returns the part of a piece up to the first event that is long to read; `undefined` if it is empty. @throws an error that makes the whole
   * piece fail
   */
  read(piece: Buffer): StreamPart | undefined;
  /**
   * Returns the parts of the rest of a piece, from a long event on: these come in turns of the event loop. `undefined` after almost every piece.
   * Ask after each `read` and `end`, and take all of them before anything else is read.
   */
  later(): AsyncIterator<StreamPart, undefined> | undefined;
  /**
   * Returns the last part at the answer's end; `undefined` if everything was sent. @throws MarrowError `model_failed` for an incomplete
   * answer
   */
  end(): StreamPart | undefined;
  /** Returns the error of an event that arrived in one piece with earlier events, which are sent first. */
  held(): { readonly error: unknown } | undefined;
  /** Returns true once the answer has ended; later data does not belong to it. */
  isDone(): boolean;
}

/** Pieces after an answer's end after which its connection is closed. */
const BEHIND_END_MAX = 64;

/** Reads the parts of an answer, pulled or pushed. Any error becomes a failure of its model. */
export function toParts(
  answer: HttpAnswer,
  signal: AbortSignal | undefined,
  reader: PartReader,
): { [Symbol.asyncIterator](): Pushable<StreamPart> } {
  /** Parts of the piece before that are still to come. */
  let later: AsyncIterator<StreamPart, undefined> | undefined;

  function fail(error: unknown): unknown {
    answer.abandon();
    return unreadable(error);
  }

  async function next(): Promise<IteratorResult<StreamPart, undefined>> {
    for (;;) {
      const held = reader.held();
      if (held !== undefined) throw fail(held.error);
      if (reader.isDone()) return OVER;
      if (later !== undefined) {
        const given = await later.next().catch((error: unknown) => {
          throw fail(error);
        });
        if (given.done !== true) return given;
        later = undefined;
        continue;
      }
      const piece = await answer.next().catch((error: unknown) => toFailure(error, signal));
      try {
        const part = piece === undefined ? reader.end() : reader.read(piece);
        later = reader.later();
        if (part !== undefined) return { done: false, value: part };
        if (piece === undefined && later === undefined) return OVER;
      } catch (error) {
        throw fail(error);
      }
    }
  }

  function push(sink: Sink<StreamPart>): Pushing {
    let [isOver, isHalted, isAtEnd, isReading] = [false, true, false, false];
    let behind = 0;

    function breakOff(error: unknown): void {
      isOver = true;
      sink.fail(fail(error));
    }

    /** Breaks off at an error that the reader holds. Returns whether it did. */
    function isBroken(): boolean {
      const held = reader.held();
      if (held !== undefined) breakOff(held.error);
      return held !== undefined;
    }

    /** Takes what is read at once, and whatever is left for later. Returns whether there was anything. */
    function give(read: () => StreamPart | undefined): boolean {
      if (isBroken()) return true;
      let part: StreamPart | undefined;
      try {
        part = read();
      } catch (error) {
        breakOff(error);
        return true;
      }
      later = reader.later();
      if (part !== undefined) sink.take(part);
      if (!isBroken() && later !== undefined) void readLater();
      return part !== undefined || later !== undefined;
    }

    /** Gives the parts that come in turns, while the source rests; nothing comes from a source that is paused within its own piece. */
    async function readLater(): Promise<void> {
      if (isReading) return;
      isReading = true;
      source.pause();
      try {
        while (later !== undefined && !isHalted && !isOver) {
          const { done, value } = await later.next();
          if (done === true) later = undefined;
          else sink.take(value);
          if (isBroken()) later = undefined;
        }
      } catch (error) {
        breakOff(error);
      }
      isReading = false;
      if (later === undefined && !isHalted && !isOver) goOn();
    }

    function goOn(): void {
      if (isAtEnd) end();
      else source.resume();
    }

    function end(): void {
      isAtEnd = true;
      while (!isOver && !reader.isDone()) {
        if (!give(() => reader.end())) break;
        if (later !== undefined) return;
      }
      if (isOver) return;
      isOver = true;
      sink.end();
    }

    const source = answer.push({
      take(piece) {
        if (!isOver && !reader.isDone()) give(() => reader.read(piece));
        else if ((behind += 1) > BEHIND_END_MAX) answer.abandon();
      },
      end,
      fail(error) {
        if (isOver) return;
        isOver = true;
        try {
          toFailure(error, signal);
        } catch (failure) {
          sink.fail(failure);
        }
      },
    });

    return {
      pause() {
        isHalted = true;
        source.pause();
      },
      resume() {
        isHalted = false;
        if (later !== undefined) void readLater();
        else goOn();
      },
    };
  }

  return { [Symbol.asyncIterator]: () => ({ next, push }) };
}

const OVER: IteratorReturnResult<undefined> = { done: true, value: undefined };
