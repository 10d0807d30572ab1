import { MarrowError } from "../../errors.ts";
import type { ModelCall, RoomShare } from "../model.ts";
import { isPlaceless, noPlace } from "../places.ts";

/** One of the concurrent calls of a request. */
export interface Runner<T> {
  /** Resolves with the outcome; never rejects. */
  readonly outcome: Promise<Outcome<T>>;
  /** Aborts the call. */
  readonly signal: AbortSignal;
  /** Returns true while the call waits for memory of this process, and not for its endpoint. */
  isHeld(): boolean;
  /** Returns the time of such waits, in milliseconds. */
  heldMs(): number;
  /** Cancels the call. Its answer, if it has one, takes no memory any more. */
  cancel(): void;
  /** Ends the call like its timeout. */
  expire(): void;
}

/** The part of a call that each attempt has for itself. */
export type Attempt = Pick<ModelCall, "room"> & { readonly signal: AbortSignal };

/** Bounds of an attempt. */
export interface AttemptOptions extends Pick<ModelCall, "room" | "signal"> {
  /** Time of the attempt, without its waits for memory, in milliseconds. */
  readonly timeoutMs: number;
}

/** Outcome of a call. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

/**
 * Runs a call with a timeout. Its signal aborts with the caller's, at the timeout, and on cancellation; the timeout ends with the outcome,
 * so that a stream continues after it began. The memory of its answer is given back where it has none.
 */
export function run<T>(call: (attempt: Attempt) => Promise<T>, { timeoutMs, signal, room }: AttemptOptions): Runner<T> {
  const own = new AbortController();
  let late = false;
  const abort = () => own.abort();
  if (signal?.aborted === true) abort();
  else signal?.addEventListener("abort", abort, { once: true });
  const expire = () => {
    late = true;
    abort();
  };
  const timer = createCountdown(timeoutMs, expire);
  const shares: RoomShare[] = [];
  const closeAll = () => {
    for (const share of shares) share.close();
  };

  /** Memory in which the wait is this process' own: the endpoint has answered. */
  function openShare(open: () => RoomShare): RoomShare {
    const share = open();
    shares.push(share);
    return {
      async take(bytes, until) {
        timer.pause();
        try {
          await share.take(bytes, until);
        } finally {
          timer.resume();
        }
      },
      close: () => share.close(),
    };
  }

  async function toOutcome(): Promise<Outcome<T>> {
    try {
      const value = await call({ signal: own.signal, room: room && (() => openShare(room)) });
      return { ok: true, value };
    } catch (error) {
      signal?.removeEventListener("abort", abort);
      closeAll();
      // A call that got no slot in time says nothing about the endpoint.
      const isLate = late && signal?.aborted !== true;
      if (isLate && isPlaceless(error)) return { ok: false, error: noPlace() };
      return { ok: false, error: isLate ? new MarrowError("timeout", TOO_LATE, { cause: error }) : error };
    } finally {
      timer.end();
    }
  }

  return {
    outcome: toOutcome(),
    signal: own.signal,
    isHeld: timer.isPaused,
    heldMs: timer.pausedMs,
    cancel() {
      abort();
      closeAll();
    },
    expire,
  };
}

const TOO_LATE = "the model's endpoint did not answer in time";

/** A timer that can be paused. */
interface Countdown {
  readonly isPaused: () => boolean;
  /** Returns the time in which it was paused, in milliseconds. */
  readonly pausedMs: () => number;
  pause(): void;
  resume(): void;
  end(): void;
}

function createCountdown(lengthMs: number, onOver: () => void): Countdown {
  let [sinceMs, leftMs, pausedMs, isPaused] = [performance.now(), lengthMs, 0, false];
  let timer = setTimeout(onOver, lengthMs);
  const passedMs = () => performance.now() - sinceMs;
  return {
    isPaused: () => isPaused,
    pausedMs: () => pausedMs + (isPaused ? passedMs() : 0),
    pause() {
      clearTimeout(timer);
      leftMs -= passedMs();
      [sinceMs, isPaused] = [performance.now(), true];
    },
    resume() {
      pausedMs += passedMs();
      [sinceMs, isPaused] = [performance.now(), false];
      timer = setTimeout(onOver, Math.max(0, leftMs));
    },
    end: () => clearTimeout(timer),
  };
}
