import type { Redis } from "../src/redis/index.ts";
import { createWorker, type Handler, type WorkerOptions } from "../src/queue/index.ts";

/** Name of the queue that tests work at. */
export const QUEUE = "q";

/** Runs a worker for as long as a test needs it. */
export async function working<T>(
  redis: Redis,
  handler: Handler,
  run: () => Promise<T>,
  options: Partial<WorkerOptions> = {},
): Promise<T> {
  const worker = createWorker(redis, { name: QUEUE, leaseMs: 1_000, drainMs: 0, ...options }, handler);
  try {
    return await run();
  } finally {
    await worker.close();
  }
}
