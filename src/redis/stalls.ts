import { dropOldest } from "../internal/drop-oldest.ts";
import type { OwnWait } from "../internal/own-time.ts";

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
  /** How long commands still wait for a connection that was lost. */
  grace: OwnWait | undefined;
  lastLostMs: number;
  nextTryMs: number;
}

/** Makes the memory of places that answer nothing. `beginGrace` begins the time that commands wait for a lost connection. */
export function createStalls(beginGrace: () => OwnWait): Stalls {
  const stalls = new Map<string, Stall>();

  function at(place: string): Stall {
    let stall = stalls.get(place);
    if (stall !== undefined) return stall;
    stall = { timeouts: 0, grace: undefined, lastLostMs: 0, nextTryMs: 0 };
    stalls.set(place, stall);
    dropOldest(stalls, PLACES_MAX);
    return stall;
  }

  const isLost = ({ grace, lastLostMs }: Stall, nowMs: number) =>
    grace?.isOver === true && nowMs - lastLostMs < LOSS_OVER_MS;

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
      if (stall.grace === undefined || nowMs - stall.lastLostMs >= LOSS_OVER_MS) {
        stall.grace?.end();
        stall.grace = beginGrace();
      }
      stall.lastLostMs = nowMs;
      return isLost(stall, nowMs);
    },
    answered(place) {
      stalls.get(place)?.grace?.end();
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
