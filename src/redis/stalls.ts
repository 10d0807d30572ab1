/**
 * Places that answer nothing: the server, or a master of a cluster. Commands for one fail at once, except for one now and then that tries.
 * The answers of other places say nothing about it.
 */
export interface Stalls {
  /** Places with a failure since their last answer. While there is none, nobody needs to know a command's place. */
  readonly size: number;
  /** A command got no answer in time. */
  silent(place: string, nowMs: number): void;
  /** A command found no connection, or lost it. Returns whether waiting for one is over. */
  lost(place: string, nowMs: number): boolean;
  answered(place: string): void;
  /** Whether a command is refused now. The one that is let through as a try counts: ask once for each command. */
  isRefused(place: string, nowMs: number): boolean;
}

/** Timeouts in a row after which a place counts as stalled, and the time between two tries then, in milliseconds. */
const STALLED_AFTER = 3;
const TRY_MS = 250;
/** A loss without another one for this long is over, in milliseconds: the next command may meet a new connection. */
const LOSS_OVER_MS = 1_000;
/** Places that are remembered: far more than a cluster has masters. The oldest is forgotten first. */
const PLACES_MAX = 1_024;

interface Stall {
  timeouts: number;
  lostMs: number | undefined;
  lastLostMs: number;
  nextTryMs: number;
}

/** Makes the memory of places that answer nothing. `graceMs` is how long commands wait for a lost connection. */
export function createStalls(graceMs: number): Stalls {
  const stalls = new Map<string, Stall>();

  function at(place: string): Stall {
    let stall = stalls.get(place);
    if (stall !== undefined) return stall;
    for (const oldest of stalls.keys()) {
      if (stalls.size < PLACES_MAX) break;
      stalls.delete(oldest);
    }
    stall = { timeouts: 0, lostMs: undefined, lastLostMs: 0, nextTryMs: 0 };
    stalls.set(place, stall);
    return stall;
  }

  const isLost = ({ lostMs, lastLostMs }: Stall, nowMs: number) =>
    lostMs !== undefined && nowMs - lastLostMs < LOSS_OVER_MS && nowMs - lostMs >= graceMs;

  return {
    get size() {
      return stalls.size;
    },
    silent(place, nowMs) {
      const stall = at(place);
      stall.timeouts += 1;
      // A try that failed: the callers behind it are spared the wait for as long as it is between two tries.
      if (stall.timeouts > STALLED_AFTER) stall.nextTryMs = nowMs + TRY_MS;
    },
    lost(place, nowMs) {
      const stall = at(place);
      if (stall.lostMs === undefined || nowMs - stall.lastLostMs >= LOSS_OVER_MS) stall.lostMs = nowMs;
      stall.lastLostMs = nowMs;
      return isLost(stall, nowMs);
    },
    answered(place) {
      stalls.delete(place);
    },
    isRefused(place, nowMs) {
      const stall = stalls.get(place);
      if (stall === undefined || (stall.timeouts < STALLED_AFTER && !isLost(stall, nowMs))) return false;
      if (nowMs < stall.nextTryMs) return true;
      stall.nextTryMs = nowMs + TRY_MS;
      return false;
    },
  };
}
