import { MarrowError } from "../errors.ts";
import { createPermits } from "../internal/permits.ts";

/** Memory for long whole answers of models, over all flows that share it. */
export interface AnswerRoom {
  /** Begins one call. */
  open(): AnswerPlace;
}

/** Memory of one call. */
export interface AnswerPlace {
  /**
   * Waits until there is room for an answer of so many bytes, in place of the call's earlier ones; fewer than before give room back at once.
   * Attempts of one call that run at once share the latest one's room. @throws MarrowError `too_large` if there is none within 30 s
   */
  take(bytes: number): Promise<void>;
  /** Gives all room back. May be called any number of times. */
  close(this: void): void;
}

/** Options of an answer room. */
export interface AnswerRoomOptions {
  /** Bytes of all long answers at once. A longer answer takes all of it. */
  readonly bytesMax: number;
  /** A larger room that the answers take from, too, such as that of all tenants. */
  readonly within?: AnswerRoom | undefined;
}

/** Longest wait for room, in milliseconds. */
const WAIT_MS = 30_000;

/** Makes a common bound for whole answers. Long answers beyond it wait, unread, and are given room in their order. */
export function createAnswerRoom({ bytesMax, within }: AnswerRoomOptions): AnswerRoom {
  const permits = createPermits({ max: bytesMax, refusal: noRoom });

  function openPlace(): AnswerPlace {
    const wider = within?.open();
    let held = 0;
    let release: ((kept?: number) => void) | undefined;
    let isClosed = false;
    return {
      async take(bytes) {
        if (bytes > held) {
          held = 0;
          release?.();
          const taken = await permits.take(bytes, WAIT_MS);
          if (isClosed) return taken();
          // Another attempt of the call may have got room meanwhile.
          release?.();
          release = taken;
        } else release?.(bytes);
        held = bytes;
        await wider?.take(Math.min(bytes, bytesMax));
      },
      close() {
        isClosed = true;
        release?.();
        wider?.close();
      },
    };
  }

  return { open: openPlace };
}

function noRoom(): MarrowError {
  return new MarrowError("too_large", "the answer is longer than this process has room for now (answersBytesMax)", {
    details: { path: "answersBytesMax" },
  });
}
