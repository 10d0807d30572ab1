import type { Argument, Reply } from "../redis/index.ts";

/** A worker of this process that waits for work: a push of this process may hand it its job by the push's own reply. */
export interface Nearby {
  /** Its name in the place of the worker that waits. */
  readonly worker: string;
  /** Follows a push of one job that names this worker, and takes the job if the reply has its line. */
  follow(push: Promise<Reply>, payload: Argument): void;
}

/**
 * The last worker of this process that said that it waits, by the start of its queue's keys. Its name is random and known to the server that it
 * works at alone, so whoever pushes by another connection cannot mean it.
 */
export const nearby: Map<string, Nearby> = new Map();
