import { MarrowError } from "../errors.ts";
import { GATEWAY_QUEUE, TASKS_QUEUE, type Operator } from "../gateway/operator.ts";
import { createQueue, pauseQueue, readQueueStats, resumeQueue, type QueueStats } from "../queue/index.ts";
import type { Redis } from "../redis/index.ts";
import type { Given } from "./command.ts";
import { withInstallation } from "./installation.ts";
import { print, toTable, toVisible } from "./print.ts";
import { toWhole, usageError } from "./read-command.ts";

/** Jobs that one call redrives. */
const REDRIVEN_MAX = 10_000;
const IDS_MAX = 1_000;
const NOT_THERE = 1;
/** The same as the largest `partitions` of a queue. */
const PARTITIONS_MAX = 64;

/** `marrow queue`: how queues stand, pauses, and other goes for dead jobs. Any queue of the installation may be named, an application's too. */
export async function runQueue(given: Given): Promise<number> {
  const partitions = toWhole("partitions", given.text("partitions") ?? "", { min: 1, max: PARTITIONS_MAX });
  const [named] = given.positionals;
  if (given.act === "stats")
    return stats(given, named === undefined ? [GATEWAY_QUEUE, TASKS_QUEUE] : [named], partitions);
  const queue = { name: named ?? "", partitions };
  return given.act === "redrive" ? redrive(given, queue) : pause(given, queue, given.act as "pause" | "resume");
}

interface Named {
  readonly name: string;
  readonly partitions: number;
}

async function stats(given: Given, names: readonly string[], partitions: number): Promise<number> {
  const scope = given.text("scope");
  return withInstallation(async ({ redis }) => {
    const data = await Promise.all(
      names.map(async (name) => {
        await checkKnown(redis, { name, partitions });
        const all = await readQueueStats(redis, { name, partitions });
        const own =
          scope === undefined ? undefined : await createQueue(redis.scope(scope), { name, partitions }).counts();
        return { name, ...toAnswer(all), ...(own && { of_scope: { scope, ...ofScope(own) } }) };
      }),
    );
    print(given, { object: "list", data }, () => [
      ...toTable(
        ["QUEUE", "STATE", "WAITING", "DELAYED", "BLOCKED", "RUNNING", "DEAD, KEPT", "DONE", "DEAD", "CANCELLED"],
        data.map((queue) => [
          queue.name,
          queue.paused ? "paused" : queue.tenants_paused > 0 ? `${queue.tenants_paused} scopes paused` : "running",
          queue.waiting,
          queue.delayed,
          queue.blocked,
          queue.running,
          queue.dead_kept,
          queue.done,
          queue.dead,
          queue.cancelled,
        ]),
      ),
      ...data.flatMap(({ name, of_scope: own }) =>
        own === undefined
          ? []
          : [
              `${name}, scope ${own.scope}: ${own.waiting} waiting, ${own.dead_kept} dead, ${own.paused ? "paused" : "not paused"}`,
            ],
      ),
    ]);
    return 0;
  });
}

async function pause(given: Given, queue: Named, verb: "pause" | "resume"): Promise<number> {
  const scope = given.text("scope");
  if ((scope === undefined) === !given.has("all"))
    throw usageError(
      `marrow queue ${verb} needs one of --scope NAME (its jobs alone) and --all (those of every scope)`,
      "scope",
    );
  return withInstallation(async ({ redis }: Operator) => {
    await checkKnown(redis, queue);
    const ofAll = verb === "pause" ? pauseQueue : resumeQueue;
    const changed =
      scope === undefined ? await ofAll(redis, queue) : await createQueue(redis.scope(scope), queue)[verb]();
    const state = verb === "pause" ? "paused" : "running";
    const whose = scope === undefined ? "for all scopes" : `for scope ${scope}`;
    print(given, { object: "queue", name: queue.name, scope: scope ?? null, state, changed }, () => [
      changed ? `${queue.name} is ${state} ${whose}` : `${queue.name} was ${state} ${whose} already`,
    ]);
    return 0;
  });
}

async function redrive(given: Given, queue: Named): Promise<number> {
  const scope = given.text("scope") ?? "";
  const limit = toWhole("limit", given.text("limit") ?? "", { min: 1, max: REDRIVEN_MAX });
  const ids = (given.text("ids") ?? "").split(",").filter((id) => id !== "");
  if (ids.length > IDS_MAX) throw usageError(`--ids may name ${IDS_MAX} jobs at most, got ${ids.length}`, "ids");
  return withInstallation(async ({ redis }) => {
    await checkKnown(redis, queue);
    const redriven = await createQueue(redis.scope(scope), queue).redrive({ ids, limit });
    const left = ids.filter((id) => !redriven.includes(id));
    print(given, { object: "queue", name: queue.name, scope, redriven: redriven.length, ids: redriven, left }, () => [
      `${redriven.length} jobs of ${queue.name}, scope ${scope}, have new attempts`,
      ...redriven,
      ...(left.length === 0 ? [] : [`no dead jobs of the scope, or of no such id: ${left.map(toVisible).join(" ")}`]),
    ]);
    return left.length === 0 ? 0 : NOT_THERE;
  });
}

/** @throws MarrowError `not_found` for a queue that never had a job and is not paused: the name is likely a typing error */
async function checkKnown(redis: Redis, queue: Named): Promise<void> {
  if (queue.name === GATEWAY_QUEUE || queue.name === TASKS_QUEUE) return;
  const { paused, ...counts } = await readQueueStats(redis, queue);
  if (paused || Object.values(counts).some((count) => count > 0)) return;
  throw new MarrowError(
    "not_found",
    `there is no queue ${JSON.stringify(queue.name.slice(0, 60))} of ${queue.partitions} partitions: it never had a job (marrow queue stats shows the gateway's own)`,
    { details: { path: "queue" } },
  );
}

function toAnswer(all: QueueStats) {
  const { waiting, delayed, blocked, running, done, dead, cancelled, paused } = all;
  return {
    waiting,
    delayed,
    blocked,
    running,
    done,
    dead,
    cancelled,
    dead_kept: all.deadKept,
    tenants_waiting: all.tenantsWaiting,
    tenants_paused: all.tenantsPaused,
    endpoints_waiting: all.endpointsWaiting,
    paused,
  };
}

function ofScope({
  waiting,
  deadKept,
  paused,
}: {
  readonly waiting: number;
  readonly deadKept: number;
  readonly paused: boolean;
}) {
  return { waiting, dead_kept: deadKept, paused };
}
