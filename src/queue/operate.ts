import { allOf, runScript, type Redis } from "../redis/index.ts";
import { queueKeys, type QueueName } from "./keys.ts";
import { checkPartitions } from "./options.ts";
import { countJobs, pauseJobs } from "./scripts.gen.ts";

/** A queue as its operator sees it: all tenants together. */
export interface QueueStats {
  /** Jobs that wait for a worker, of at most 10,000 tenants in turn, 10,000 at their bound and 10,000 paused. */
  readonly waiting: number;
  /** Tenants that have jobs waiting, and tenants that are paused. */
  readonly tenantsWaiting: number;
  readonly tenantsPaused: number;
  /** Whether the whole queue is paused. */
  readonly paused: boolean;
  /** Jobs that wait for others. */
  readonly blocked: number;
  /** Jobs that wait for their time. */
  readonly delayed: number;
  readonly running: number;
  /** Ended so far, by how; `deadKept` may still be redriven. */
  readonly done: number;
  readonly dead: number;
  readonly cancelled: number;
  readonly deadKept: number;
  /** Endpoints of webhooks that have something to be sent. */
  readonly endpointsWaiting: number;
}

/** Which queue an operator means. */
export interface QueueOfAll {
  readonly name: string;
  /** As the queue's. @default 1 */
  readonly partitions?: number | undefined;
}

const ENDED = ["done", "dead", "cancelled"] as const;

function named({ name, partitions }: QueueOfAll): QueueName {
  return { name, partitions: checkPartitions(partitions) };
}

/** How a queue stands, over its partitions. One round trip, and one more a partition that counts what waits. */
export async function readQueueStats(
  redis: Pick<Redis, "app" | "pipeline" | "send">,
  queue: QueueOfAll,
): Promise<QueueStats> {
  const keys = queueKeys(redis.app, named(queue));
  const sets = ["delayed", "leases", "dead", "outbox", "blocked"];
  const commands = keys.flatMap((key) => [
    ...sets.map((set) => ["ZCARD", `${key}:${set}`]),
    ["HMGET", `${key}:counts`, ...ENDED],
  ]);
  const [replies, counted] = await Promise.all([
    redis.pipeline(commands).then(allOf),
    Promise.all(keys.map(async (key) => (await runScript(redis, countJobs, { queue: key }, {})) as readonly number[])),
  ]);
  const sum = (at: number) =>
    keys.reduce((total, _, nth) => total + Number(replies[(nth * commands.length) / keys.length + at] ?? 0), 0);
  const ended = (at: number) =>
    keys.reduce((total, _, nth) => {
      const counts = replies[(nth * commands.length) / keys.length + sets.length] as readonly (string | null)[];
      return total + Number(counts[at] ?? 0);
    }, 0);
  const count = (at: number) => counted.reduce((total, counts) => total + (counts[at] ?? 0), 0);
  return {
    waiting: count(0),
    tenantsWaiting: count(1),
    tenantsPaused: count(2),
    paused: count(3) > 0,
    blocked: sum(4),
    delayed: sum(0),
    running: sum(1),
    deadKept: sum(2),
    endpointsWaiting: sum(3),
    done: ended(0),
    dead: ended(1),
    cancelled: ended(2),
  };
}

/**
 * Pauses a queue for all tenants: no job is given out until `resumeQueue`, by any worker. Jobs that run go on, pushes and schedules are taken.
 * One round trip a partition. Tells whether it was not paused before.
 */
export function pauseQueue(redis: Pick<Redis, "app" | "send">, queue: QueueOfAll): Promise<boolean> {
  return pauseAll(redis, queue, 1);
}

/** Ends a pause of `pauseQueue`; tenants that are paused by themselves stay so. Tells whether it was paused. */
export function resumeQueue(redis: Pick<Redis, "app" | "send">, queue: QueueOfAll): Promise<boolean> {
  return pauseAll(redis, queue, 0);
}

async function pauseAll(redis: Pick<Redis, "app" | "send">, queue: QueueOfAll, paused: 0 | 1): Promise<boolean> {
  const keys = queueKeys(redis.app, named(queue));
  const changed = await Promise.all(
    keys.map((key) => runScript(redis, pauseJobs, { queue: key }, { tenant: "", paused })),
  );
  return changed.includes(1);
}
