import { allOf, runScript, type Redis } from "../redis/index.ts";
import { queueKeys, type QueueName } from "./keys.ts";
import { checkPartitions } from "./options.ts";
import { countJobs, pauseJobs } from "./scripts.gen.ts";

/** Statistics of a queue over all tenants. */
export interface QueueStats {
  /** Jobs that wait for a worker: of at most 10,000 tenants in rotation, 10,000 at their limit and 10,000 paused. */
  readonly waiting: number;
  /** Tenants with waiting jobs, and paused tenants. */
  readonly tenantsWaiting: number;
  readonly tenantsPaused: number;
  /** Whether the whole queue is paused. */
  readonly paused: boolean;
  /** Jobs that wait for other jobs. */
  readonly blocked: number;
  /** Jobs that wait for their delay. */
  readonly delayed: number;
  readonly running: number;
  /** Finished jobs by outcome; `deadKept` of them can still be redriven. */
  readonly done: number;
  readonly dead: number;
  readonly cancelled: number;
  readonly deadKept: number;
  /** Webhook endpoints with pending deliveries. */
  readonly endpointsWaiting: number;
}

/** Identifies a queue. */
export interface QueueOfAll {
  readonly name: string;
  /** As passed to `createQueue`. @default 1 */
  readonly partitions?: number | undefined;
}

const ENDED = ["done", "dead", "cancelled"] as const;

function named({ name, partitions }: QueueOfAll): QueueName {
  return { name, partitions: checkPartitions(partitions) };
}

/** Reads a queue's statistics over its partitions. One round trip, and one more per partition to count waiting jobs. */
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
 * Pauses a queue for all tenants: no worker gets a job until `resumeQueue`. Running jobs continue; pushes and schedules are accepted. One
 * round trip per partition. Returns false if the queue was already paused.
 */
export function pauseQueue(redis: Pick<Redis, "app" | "send">, queue: QueueOfAll): Promise<boolean> {
  return pauseAll(redis, queue, 1);
}

/** Ends a pause of `pauseQueue`; tenants that were paused individually stay paused. Returns whether the queue was paused. */
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
