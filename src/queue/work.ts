import type { LongText } from "../internal/long-text.ts";
import type { Steps } from "./steps.ts";

/** A job as its handler receives it. */
export interface Work<T = unknown> extends Steps {
  readonly id: string;
  /** The tenant that pushed it. */
  readonly scope: string;
  readonly payload: T;
  /** Grows with each lease, by the server's clock. Reject writes with a lower fence than one already seen. */
  readonly fence: number;
  /** The same for every attempt of this job. Pass it to providers so that they act only once. */
  readonly idempotencyKey: string;
  readonly attemptsLeft: number;
  readonly crashesLeft: number;
  readonly createdAtMs: number;
  /** Aborts if the job is cancelled, times out, loses its lease, or the worker shuts down. */
  readonly signal: AbortSignal;
  /** Whether the job was cancelled. The handler's result is then still stored. */
  readonly cancelled: boolean;
  /** Appends to the job's output; stored within 20 ms, and before the job ends. */
  readonly write: (text: string | LongText) => void;
  /**
   * `undefined`, or a promise while over 4,194,304 characters of the output wait to be stored: it resolves once they are fewer, or the output
   * ended. A handler that writes faster than Redis stores waits for it, or all of its output is in memory.
   */
  readonly room: () => Promise<void> | undefined;
  /** Reports progress, a JSON value of at most 4 KB, to `get` and readers of the output. The latest is stored, at most every 250 ms. */
  readonly progress: (progress: unknown) => void;
  /** Reports the units of `admit` that the job really used, instead of the reserved ones. */
  readonly use: (used: Readonly<Record<string, number>>) => void;
  /** Sets the job's `reason` and its event's name instead of `completed`, such as `incomplete`. Lower-case letters. */
  readonly conclude: (word: string) => void;
}

/** Runs a job and returns its result, a JSON value. A thrown error decides about retries: see `judge` in retry.ts. */
export type Handler<T = unknown, R = unknown> = (work: Work<T>) => Promise<R> | R;

/** Processes jobs of a queue until it is closed. */
export interface Worker {
  /** Number of its running jobs. */
  readonly running: number;
  /** Handlers that still run after they ignored their signal. Their jobs ended without them, and their results are dropped. */
  readonly abandoned: number;
  /** Stops taking jobs, lets running ones finish for `drainMs`, and returns the rest to the queue unchanged, without using an attempt. */
  close(): Promise<void>;
}
