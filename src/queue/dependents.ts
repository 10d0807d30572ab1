import { runScript, type ScopedRedis } from "../redis/index.ts";
import { extendLeases } from "./scripts.gen.ts";

/** Most scripts per call, each for 100 jobs whose dependencies failed; the queue's workers end the rest. */
const PAGES_MAX = 1_000;

/**
 * Ends jobs whose dependencies have failed, and returns jobs of dead workers to the queue, page by page, because one script for many
 * thousands would block Redis.
 */
export async function settleRest(redis: Pick<ScopedRedis, "send">, queue: string): Promise<void> {
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const reply = await runScript(redis, extendLeases, { queue }, { lease_ms: 1_000, held: [] });
    if ((reply as readonly unknown[]).length === 0) return;
  }
}

/** Returns a function that does the same for a worker that calls it repeatedly: one run at a time. */
export function createSettler(redis: Pick<ScopedRedis, "send">, queue: string): () => Promise<void> {
  let going: Promise<void> | undefined;
  return () => (going ??= settleRest(redis, queue).finally(() => (going = undefined)));
}
