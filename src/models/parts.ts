import type { Pushable, Sink } from "../internal/push.ts";
import { toFailure, unreadable } from "./failures.ts";
import type { HttpAnswer } from "./http.ts";
import type { StreamPart } from "./model.ts";

/** Reads the pieces of one streamed answer. */
export interface PartReader {
  /** Returns the part of a piece; `undefined` if it is empty. @throws an error that makes the whole piece fail */
  read(piece: Buffer): StreamPart | undefined;
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
  function fail(error: unknown): unknown {
    answer.abandon();
    return unreadable(error);
  }

  async function next(): Promise<IteratorResult<StreamPart, undefined>> {
    for (;;) {
      const held = reader.held();
      if (held !== undefined) throw fail(held.error);
      if (reader.isDone()) return OVER;
      const piece = await answer.next().catch((error: unknown) => toFailure(error, signal));
      try {
        const part = piece === undefined ? reader.end() : reader.read(piece);
        if (part !== undefined) return { done: false, value: part };
        if (piece === undefined) return OVER;
      } catch (error) {
        throw fail(error);
      }
    }
  }

  function push(sink: Sink<StreamPart>) {
    let isOver = false;
    let behind = 0;

    function breakOff(error: unknown): void {
      isOver = true;
      sink.fail(fail(error));
    }

    return answer.push({
      take(piece) {
        if (isOver || reader.isDone()) {
          behind += 1;
          if (behind > BEHIND_END_MAX) answer.abandon();
          return;
        }
        let part: StreamPart | undefined;
        try {
          part = reader.read(piece);
        } catch (error) {
          return breakOff(error);
        }
        if (part !== undefined) sink.take(part);
        const held = reader.held();
        if (held !== undefined) breakOff(held.error);
      },
      end() {
        if (isOver) return;
        for (;;) {
          const held = reader.held();
          if (held !== undefined) return breakOff(held.error);
          let part: StreamPart | undefined;
          try {
            part = reader.isDone() ? undefined : reader.end();
          } catch (error) {
            return breakOff(error);
          }
          if (part === undefined) break;
          sink.take(part);
        }
        isOver = true;
        sink.end();
      },
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
  }

  return { [Symbol.asyncIterator]: () => ({ next, push }) };
}

const OVER: IteratorReturnResult<undefined> = { done: true, value: undefined };
