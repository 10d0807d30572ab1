import { BaseAdapter } from "@bull-board/api/dist/queueAdapters/base.js";
import type {
  JobCounts,
  JobStatus,
  QueueAdapterOptions,
  QueueJob,
  QueueJobOptions,
  QueueMetrics,
} from "@bull-board/api/dist/types.js";
import { MarrowError } from "../../errors.ts";
import type { Job, JobState, ListedState, Queue } from "../index.ts";

/** Options of `toBullBoard`. */
export interface BullBoardOptions extends Partial<QueueAdapterOptions> {
  /** Name of the queue on the board: the queue's name, or the tenant's with it. */
  readonly name: string;
}

/** Jobs of a state that are counted and shown. */
const SHOWN_MAX = 1_000;

const LISTS: ReadonlyMap<string, ListedState> = new Map<string, ListedState>(
  Object.entries({
    waiting: "waiting",
    active: "running",
    completed: "ended",
    failed: "dead",
    delayed: "delayed",
    suspended: "delayed",
    "waiting-children": "blocked",
  }),
);
const STATES: Readonly<
  Record<JobState, "waiting" | "active" | "completed" | "failed" | "delayed" | "waiting-children">
> = {
  blocked: "waiting-children",
  waiting: "waiting",
  delayed: "delayed",
  suspended: "delayed",
  running: "active",
  cancelling: "active",
  done: "completed",
  dead: "failed",
  cancelled: "failed",
  unreadable: "failed",
};

/**
 * Adapts a tenant's queue to Bull Board: `createBullBoard({ queues: [toBullBoard(queue, { name: "calls" })], serverAdapter })`. Shows up to
 * 1,000 jobs of each state; jobs can be added, retried, cancelled and removed. Pausing and promoting are not supported.
 */
export function toBullBoard(queue: Queue, options: BullBoardOptions): BaseAdapter {
  return new MarrowAdapter(queue, options);
}

class MarrowAdapter extends BaseAdapter {
  readonly #queue: Queue;
  readonly #name: string;

  constructor(queue: Queue, { name, ...options }: BullBoardOptions) {
    super("bullmq", options);
    this.#queue = queue;
    this.#name = name;
  }

  override getName(): string {
    return `${this.prefix}${this.#name}`;
  }

  async #list(status: JobStatus): Promise<readonly Job[]> {
    const state = LISTS.get(status);
    if (state === undefined) return [];
    const jobs = await this.#queue.list({ state, limit: SHOWN_MAX });
    return status === "completed" ? jobs.filter((job) => job.state === "done") : jobs;
  }

  override async getJobs(statuses: JobStatus[], start = 0, end = SHOWN_MAX - 1): Promise<QueueJob[]> {
    const lists = await Promise.all(statuses.map((status) => this.#list(status)));
    return lists
      .flat()
      .slice(start, end + 1)
      .map((job) => this.#toBoard(job));
  }

  override async getJobCounts(): Promise<JobCounts> {
    const names = [...LISTS.keys()] as JobStatus[];
    const lists = await Promise.all(names.map((status) => this.#list(status)));
    const counted = Object.fromEntries(names.map((status, at) => [status, lists[at]?.length ?? 0]));
    return { latest: 0, paused: 0, prioritized: 0, "waiting-children": 0, ...counted } satisfies JobCounts;
  }

  override async getJob(id: string): Promise<QueueJob | undefined> {
    const job = await this.#queue.get(id);
    return job === undefined ? undefined : this.#toBoard(job);
  }

  override async addJob(_: string, data: unknown, { delay, attempts }: QueueJobOptions): Promise<QueueJob> {
    const id = await this.#queue.push(data, { delayMs: delay, attempts });
    return (await this.getJob(id)) as QueueJob;
  }

  override async clean(status: string, graceTimeMs: number): Promise<void> {
    const before = Date.now() - graceTimeMs;
    for (const job of await this.#list(status as JobStatus))
      if ((job.endedAtMs ?? job.createdAtMs) <= before) await this.#queue.remove(job.id);
  }

  override async empty(): Promise<void> {
    for (const { id } of await this.#list("waiting")) await this.#queue.remove(id);
  }

  override async obliterate(): Promise<void> {
    for (const status of [...LISTS.keys()] as JobStatus[])
      for (const { id } of await this.#list(status)) await this.#queue.remove(id);
  }

  override getStatuses() {
    return ["latest" as const, ...this.getJobStatuses()];
  }

  override getJobStatuses(): JobStatus[] {
    return ["active", "waiting", "waiting-children", "completed", "failed", "delayed"];
  }

  #toBoard(job: Job): QueueJob {
    const queue = this.#queue;
    return {
      opts: { delay: undefined },
      remove: async () => void (await queue.remove(job.id)),
      retry: async () => void (await queue.redrive({ ids: [job.id] })),
      promote: () => absent("promoting"),
      getState: () => Promise.resolve(STATES[job.state]),
      toJSON: () => ({
        id: job.id,
        name: job.id,
        progress: 0,
        attemptsMade: 0,
        finishedOn: job.endedAtMs ?? null,
        processedOn: null,
        timestamp: job.createdAtMs,
        failedReason: job.reason ?? "",
        stacktrace: null,
        data: job.payload ?? {},
        returnvalue: job.result ?? null,
        opts: {},
      }),
    };
  }

  override getJobLogs(): Promise<string[]> {
    return Promise.resolve([]);
  }
  override getMetrics(): Promise<QueueMetrics> {
    return Promise.resolve({ meta: { count: 0, prevTS: 0, prevCount: 0 }, data: [], count: 0 });
  }
  override getRedisInfo(): Promise<null> {
    return Promise.resolve(null);
  }
  override isPaused(): Promise<boolean> {
    return Promise.resolve(false);
  }
  override pause(): Promise<void> {
    return absent("pausing");
  }
  override resume(): Promise<void> {
    return absent("pausing");
  }
  override promoteAll(): Promise<void> {
    return absent("promoting");
  }
  override removeJobScheduler(name: string): Promise<boolean> {
    return this.#queue.unschedule(name);
  }
  override async getJobSchedulers() {
    const all = await this.#queue.schedules();
    return all.map(({ name, when, nextAtMs }) => ({
      key: name,
      id: name,
      name,
      next: nextAtMs,
      ...(when !== undefined &&
        ("cron" in when ? { pattern: when.cron, tz: when.timeZone ?? "UTC" } : { every: when.everyMs })),
    })) as never;
  }
  override async getJobSchedulersCount(): Promise<number> {
    return (await this.#queue.schedules()).length;
  }
  override updateJobScheduler(): Promise<"not-found"> {
    return Promise.resolve("not-found");
  }
  override runJobSchedulerNow(): Promise<"not-found"> {
    return Promise.resolve("not-found");
  }
  override getGlobalConcurrency(): Promise<null> {
    return Promise.resolve(null);
  }
  override setGlobalConcurrency(): Promise<void> {
    return absent("a bound over all workers");
  }
}

function absent(what: string): Promise<never> {
  return Promise.reject(new MarrowError("unsupported", `${what} is not supported for this queue`));
}
