import type { Steps } from "./steps.ts";

/** A job in the hands of its worker. */
export interface Work<T = unknown> extends Steps {
  readonly id: string;
  /** The tenant that pushed it. */
  readonly scope: string;
  readonly payload: T;
  /** Grows each time that jobs are given out, by the server's time: what carries a lower one than another is out of date. */
  readonly fence: number;
  /** The same for every attempt of this job: for the provider, so that it does the thing once. */
  readonly idempotencyKey: string;
  readonly attemptsLeft: number;
  readonly crashesLeft: number;
  readonly createdAtMs: number;
  /** Aborts when the job was cancelled, its time is over, its lease is lost, or the worker shuts down. */
  readonly signal: AbortSignal;
  /** Whether somebody cancelled the job: then what the handler still answers is kept. */
  readonly cancelled: boolean;
  /** Adds to the job's output; written within 20 ms, and before the job ends. */
  readonly write: (text: string) => void;
  /** Tells how far the job is, a JSON value of at most 4 KB: read by `get` and along with the output. The newest is written, at most every 250 ms. */
  readonly progress: (progress: unknown) => void;
  /** Says what of the units of `admit` the job used, in place of what was reserved. */
  readonly use: (used: Readonly<Record<string, number>>) => void;
  /** Gives the job's event another word than `completed`, such as `incomplete`; it is the job's `reason`. Lower-case letters. */
  readonly conclude: (word: string) => void;
}

/** Does a job and answers its result, a JSON value; throws for it to be judged: see `judge` in retry.ts. */
export type Handler<T = unknown, R = unknown> = (work: Work<T>) => Promise<R> | R;

/** Works at a queue until it is closed. */
export interface Worker {
  /** Jobs that it has now. */
  readonly running: number;
  /** Handlers that ignored their signal and run on; their jobs ended without them, and what they still answer is not kept. */
  readonly abandoned: number;
  /** Takes no more, lets its jobs finish for `drainMs`, and hands the rest back as they were: that uses no attempt. */
  close(): Promise<void>;
}
