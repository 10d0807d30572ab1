import { allOf, type Redis } from "../redis/index.ts";
import { queueKeys } from "./keys.ts";
import { checkPartitions } from "./options.ts";

/** A queue as its operator sees it: all tenants together. */
export interface QueueStats {
  /** Tenants that have jobs waiting, and jobs that wait for their time. */
  readonly tenantsWaiting: number;
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

const ENDED = ["done", "dead", "cancelled"] as const;

/** How a queue stands, over its partitions. One round trip. */
export async function readQueueStats(
  redis: Pick<Redis, "app" | "pipeline">,
  { name, partitions }: { readonly name: string; readonly partitions?: number | undefined },
): Promise<QueueStats> {
  const keys = queueKeys(redis.app, { name, partitions: checkPartitions(partitions) });
  const sets = ["ring", "delayed", "leases", "dead", "outbox"];
  const commands = keys.flatMap((queue) => [
    ...sets.map((set) => ["ZCARD", `${queue}:${set}`]),
    ["HMGET", `${queue}:counts`, ...ENDED],
  ]);
  const replies = allOf(await redis.pipeline(commands));
  const sum = (at: number) =>
    keys.reduce((total, _, nth) => total + Number(replies[(nth * commands.length) / keys.length + at] ?? 0), 0);
  const ended = (at: number) =>
    keys.reduce((total, _, nth) => {
      const counts = replies[(nth * commands.length) / keys.length + sets.length] as readonly (string | null)[];
      return total + Number(counts[at] ?? 0);
    }, 0);
  return {
    tenantsWaiting: sum(0),
    delayed: sum(1),
    running: sum(2),
    deadKept: sum(3),
    endpointsWaiting: sum(4),
    done: ended(0),
    dead: ended(1),
    cancelled: ended(2),
  };
}
