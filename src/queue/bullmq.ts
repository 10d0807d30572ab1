import { refuse } from "../internal/check.ts";
import type { PushOptions } from "./options.ts";
import type { Queue } from "./queue.ts";

/** The part of a BullMQ job that is read. */
export interface BullJob {
  readonly id?: string | undefined;
  readonly name: string;
  readonly data: unknown;
  readonly attemptsMade: number;
  readonly opts: { readonly attempts?: number | undefined; readonly priority?: number | undefined };
}

/** Destination of a BullMQ job: a tenant's queue, and a payload if it differs from `data`. */
export interface Destination {
  readonly queue: Pick<Queue<never>, never> & { push(payload: never, options?: PushOptions): Promise<string> };
  readonly payload?: unknown;
  readonly options?: PushOptions | undefined;
}

/** BullMQ's lowest priority; 0 is none, which comes before all others. */
const LOWEST = 2_097_152;

/**
 * Returns the processor of a BullMQ worker that moves jobs from BullMQ to Marrow: `new Worker("calls", fromBullMQ(() => ({ queue })), {
 * connection })`.
 *
 * Moves each job once, with its remaining attempts and its priority; delayed ones when they are due. Its new id is `bull_` and its id in
 * BullMQ, and BullMQ stores that id as its result. Producers may keep pushing to BullMQ meanwhile.
 */
export function fromBullMQ(
  to: (job: BullJob) => Destination | Promise<Destination>,
): (job: BullJob) => Promise<string> {
  if (typeof to !== "function") refuse("to", "a function that names a queue for a job", to);
  return async (job) => {
    const { queue, payload = job.data, options = {} } = await to(job);
    const { attempts = 1, priority = 0 } = job.opts;
    const id = `bull_${job.id ?? ""}`.replaceAll(/[^\w-]/g, "_").slice(0, 64);
    return queue.push(payload as never, {
      id,
      attempts: Math.max(1, attempts - job.attemptsMade),
      // Theirs falls from 1, ours from 100; without one it comes first there.
      priority: priority === 0 ? 50 : Math.round(49 * (1 - Math.min(priority, LOWEST) / LOWEST)),
      ...options,
    });
  };
}
