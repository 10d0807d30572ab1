import type { Argument, Reply } from "../redis/index.ts";

/** A waiting worker of this process. A push in the same process can pass it a job directly with the push's reply. */
export interface Nearby {
  /** Name under which it is registered as waiting. */
  readonly worker: string;
  /** Awaits a push of one job that names this worker, and takes the job if the reply contains its line. */
  follow(push: Promise<Reply>, payload: Argument): void;
}

/**
 * The worker of this process that most recently began to wait, by the prefix of its queue's keys. Its random name is known only to its own
 * server, so a push over a connection to another server cannot address it.
 */
export const nearby: Map<string, Nearby> = new Map();
