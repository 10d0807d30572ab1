import type { Worker } from "../queue/index.ts";
import type { Redis } from "../redis/index.ts";
import { resolveA2AOptions, type A2AOptions } from "./options.ts";
import { startPushWorker } from "./push.ts";

/** Delivers the push notifications of an agent for all scopes, in any number of processes. */
export function startA2APush(redis: Redis, options: A2AOptions): Worker {
  return startPushWorker(redis, resolveA2AOptions(redis.scope("any"), options));
}
