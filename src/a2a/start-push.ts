import type { Worker } from "../queue/index.ts";
import type { Redis } from "../redis/index.ts";
import { resolveA2AOptions, type A2AOptions } from "./options.ts";
import { startPushWorker } from "./push.ts";

/** Delivers the push notifications of an agent, those of all scopes; any number of processes may. */
export function startA2APush(redis: Redis, options: A2AOptions): Worker {
  return startPushWorker(redis, resolveA2AOptions(redis.scope("any"), options));
}
