import type { Window } from "../memory/index.ts";
import type { ChatRequest } from "../models/index.ts";
import { contextOf, type Context } from "./context.ts";
import { sizeOf } from "../internal/json-pieces.ts";

/** Longest history that is remembered, in characters. */
const REMEMBERED_CHARS_MAX = 65_536;
/** Sessions whose newest turns are remembered. */
const SESSIONS_MAX = 1_000;

/** What a session held at a version and epoch. */
type Remembered = Pick<Window, "version" | "epoch" | "turns">;

/** A guess at what stands before a request's last message. */
export interface Guess {
  readonly context: Context;
  /** Version and epoch of the session that it was made for: on others it must be made again. */
  readonly version: number;
  readonly epoch: string;
}

/**
 * Remembers the turns of the sessions that this process served last, so that the exact lookup can go out together with the
 * read of the session. A wrong guess costs one more round trip and nothing else: the answer is looked up again.
 */
export function createDigests(): {
  guess(session: string, request: ChatRequest, lead?: number): Guess;
  remember(session: string, window: Remembered): void;
} {
  const known = new Map<string, Remembered>();
  return {
    guess(session, request, lead) {
      const { version, turns, epoch } = known.get(session) ?? { version: 0, turns: [], epoch: "" };
      return { version, epoch, context: contextOf(request, turns, lead) };
    },
    remember(session, window) {
      known.delete(session);
      // A long history is read anew each time: a thousand of them would take gigabytes.
      if (sizeOf(window.turns) > REMEMBERED_CHARS_MAX) return;
      known.set(session, window);
      const oldest = known.keys().next().value;
      if (known.size > SESSIONS_MAX && oldest !== undefined) known.delete(oldest);
    },
  };
}
