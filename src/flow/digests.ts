import type { Window } from "../memory/index.ts";
import type { ChatRequest } from "../models/index.ts";
import { contextInTurns, type Context } from "./context.ts";
import { sizeOf } from "../internal/json-pieces.ts";
import { dropOldest } from "../internal/drop-oldest.ts";

/** Longest cached history, in characters. */
const REMEMBERED_CHARS_MAX = 65_536;
/** Sessions with cached turns. */
const SESSIONS_MAX = 1_000;

/** Turns of a session at a version and epoch. */
type Remembered = Pick<Window, "version" | "epoch" | "turns">;

/** A guess at the context of a request's last message. */
export interface Guess {
  readonly context: Context;
  /** Version and epoch of the session that it is valid for; on others it must be computed again. */
  readonly version: number;
  readonly epoch: string;
}

/**
 * Caches the turns of recently used sessions in this process, so that the exact lookup can be sent together with the read of the session. A
 * wrong guess costs only one more round trip, for a second lookup.
 */
export function createDigests(): {
  guess(session: string, request: ChatRequest, lead?: number): Guess | Promise<Guess>;
  remember(session: string, window: Remembered): void;
} {
  const remembered = new Map<string, Remembered>();
  return {
    guess(session, request, lead) {
      const { version, turns, epoch } = remembered.get(session) ?? { version: 0, turns: [], epoch: "" };
      const context = contextInTurns(request, turns, lead);
      return context instanceof Promise
        ? context.then((known) => ({ version, epoch, context: known }))
        : { version, epoch, context };
    },
    remember(session, window) {
      remembered.delete(session);
      // A long history is read anew each time: a thousand of them would take gigabytes.
      if (sizeOf(window.turns) > REMEMBERED_CHARS_MAX) return;
      remembered.set(session, window);
      dropOldest(remembered, SESSIONS_MAX);
    },
  };
}
