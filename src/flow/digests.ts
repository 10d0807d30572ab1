import type { Turn } from "../memory/index.ts";
import type { ChatRequest } from "../models/index.ts";
import { contextOf } from "./context.ts";

/** Sessions whose newest turns are remembered. */
const SESSIONS_MAX = 1_000;

/**
 * Remembers the turns of the sessions that this process served last, so that the exact lookup can go out together with the
 * read of the session. A wrong guess costs one more round trip and nothing else: the answer is looked up again.
 */
export function createDigests(): {
  guess(session: string, request: ChatRequest): string;
  remember(session: string, turns: readonly Turn[]): void;
} {
  const known = new Map<string, readonly Turn[]>();
  return {
    guess: (session, request) => contextOf(request, known.get(session) ?? []),
    remember(session, turns) {
      known.delete(session);
      known.set(session, turns);
      const oldest = known.keys().next().value;
      if (known.size > SESSIONS_MAX && oldest !== undefined) known.delete(oldest);
    },
  };
}
