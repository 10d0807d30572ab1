import { refuse } from "../internal/check.ts";
import type { PushOptions } from "./options.ts";
import type { Queue } from "./queue.ts";

/** What is read of a job of BullMQ's. */
export interface BullJob {
  readonly id?: string | undefined;
  readonly name: string;
  readonly data: unknown;
  readonly attemptsMade: number;
  readonly opts: { readonly attempts?: number | undefined; readonly priority?: number | undefined };
}

/** Where a job of BullMQ's goes: a tenant's queue, with a payload of its own if it is not `data`. */
export interface Destination {
  readonly queue: Pick<Queue<never>, never> & { push(payload: never, options?: PushOptions): Promise<string> };
  readonly payload?: unknown;
  readonly options?: PushOptions | undefined;
}

/** BullMQ's lowest priority; 0 is none, which comes before all others. */
const LOWEST = 2_097_152;

/**
 * The processor of a BullMQ worker that drains its queue into ours: `new Worker("calls", fromBullMQ(() => ({ queue })), { connection })`.
 * Each job goes over once (its id here is `bull_` and its id there), with its attempts left and its priority; delayed ones when they are due.
 * Producers may go on pushing to BullMQ meanwhile. What BullMQ keeps as the result is the id here.
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
