import { cannotServe } from "../redis/index.ts";

/** Failures in a row after which Redis is taken to be away. */
const FAILURES = 3;
/** Time without further attempts after a failure, in milliseconds. Then one call tries Redis while the others continue without it. */
const AWAY_MS = 500;

/** Tracks whether Redis is available, so that callers that must not wait for it fail at once. */
export interface Presence {
  /** Returns true if Redis may be tried now. */
  ask(): boolean;
  /** Records a reply. Returns true if the attempt before had failed. */
  answered(): boolean;
  /** Records a failure. Returns true if the error means that Redis cannot serve now. */
  failed(error: unknown): boolean;
}

/** Makes the presence of a Redis. */
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
