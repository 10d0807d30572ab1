import { cannotServe } from "../redis/index.ts";

/** Failures in a row after which Redis is taken to be away. */
const FAILURES = 3;
/** How long it is then not asked; after that one call tries, while others go on without. */
const AWAY_MS = 500;

/** Whether Redis answers: who must not wait for it finds out at once while it does not. */
export interface Presence {
  /** Whether to ask it now. */
  ask(): boolean;
  /** It answered. Tells whether it had failed before. */
  answered(): boolean;
  /** It did not. Returns true when the error means that Redis cannot serve now. */
  failed(error: unknown): boolean;
}

/** Remembers how Redis answered. */
export function createPresence(): Presence {
  let failures = 0;
  let untilMs = 0;
  return {
    ask() {
      if (failures < FAILURES) return true;
      const nowMs = performance.now();
      if (nowMs < untilMs) return false;
      untilMs = nowMs + AWAY_MS;
      return true;
    },
    answered() {
      const was = failures > 0;
      failures = 0;
      return was;
    },
    failed(error) {
      if (!cannotServe(error)) return false;
      failures += 1;
      if (failures >= FAILURES) untilMs = performance.now() + AWAY_MS;
      return true;
    },
  };
}
