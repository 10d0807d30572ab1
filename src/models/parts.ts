import type { Pushable, Sink } from "../internal/push.ts";
import { toFailure, unreadable } from "./failures.ts";
import type { HttpAnswer } from "./http.ts";
import type { StreamPart } from "./model.ts";

/** Reads the pieces of one streamed answer. */
export interface PartReader {
  /** The part that a piece is; `undefined` while it says nothing. @throws what makes the whole piece a failure */
  read(piece: Buffer): StreamPart | undefined;
  /** The part that the answer's end is; `undefined` where everything was told. @throws MarrowError `model_failed` for an answer that is not whole */
  end(): StreamPart | undefined;
  /** What an event said that came in one piece with others before it: those are told first. */
  held(): { readonly error: unknown } | undefined;
  /** Whether the answer has come to its end: what follows is no part of it. */
  isDone(): boolean;
}

/** Pieces that may come behind an answer's end until its connection is given up. */
const BEHIND_END_MAX = 64;

/** The parts of an answer as they come, pulled or pushed. Whatever breaks it is the failure of its model. */
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
