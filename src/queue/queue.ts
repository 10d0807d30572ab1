import { MarrowError } from "../errors.ts";
import { checkInteger, checkObject, checkOneOf, refuse } from "../internal/check.ts";
import { pause } from "../internal/pause.ts";
import { allOf, checkScope, runScript, type Reply, type ScopedRedis } from "../redis/index.ts";
import { encodeBounded } from "./bounded.ts";
import { settleRest } from "./dependents.ts";
import { isEnded, JOB_PARTS, noJob, readBody, toJob, toListedJob, type Job, type JobState } from "./job.ts";
import { queueKeyOf, tenantPart } from "./keys.ts";
import { checkJobId, resolveQueueOptions, type PushOptions, type QueueOptions } from "./options.ts";
import { readOutput, type OutputEvent } from "./output.ts";
import { createPusher, type NewJob } from "./pushing.ts";
import { createSchedules, type Schedules } from "./schedule.ts";
import { cancelJob, pageJobs, pauseJobs, promoteJob, redriveJobs, removeJob, signalJob } from "./scripts.gen.ts";
import { checkNoteName, NOTES_MAX } from "./steps.ts";

/** A queue for one tenant. */
export interface Queue<T = unknown, R = unknown> extends Schedules<T> {
  /**
   * Pushes a job and returns its id; the job is then stored in Redis. One round trip, shared with other pushes of the same moment.
   * @throws MarrowError `conflict` if the idempotency key came with another payload, the id belongs to another tenant, or a dependency is
   * missing or will never be done; `too_large` if the tenant's backlog is full
   */
  push(payload: T, options?: PushOptions): Promise<string>;
  /** Pushes many jobs, or none if they exceed the backlog. One round trip per thousand. */
  pushMany(jobs: readonly NewJob<T>[]): Promise<readonly string[]>;
  /** Returns a job; `undefined` if there is none or it has expired after its end. One round trip. */
  get(id: string): Promise<Job<T, R> | undefined>;
  /**
   * Waits until a job has ended and returns it.
   * @throws MarrowError `timeout` after `waitMs`, `not_found`, `aborted`
   */
  wait(id: string, options: { readonly waitMs: number; readonly signal?: AbortSignal | undefined }): Promise<Job<T, R>>;
  /**
   * Reads the output of a job from a position, during its run and afterwards. Yields each text, `restarted` if another attempt starts over,
   * and always an end. Works from any process. Polls every 25 to 100 ms.
   */
  read(
    id: string,
    options?: { readonly after?: string | undefined; readonly signal?: AbortSignal | undefined },
  ): AsyncIterable<OutputEvent>;
  /**
   * Cancels a job: a waiting one at once, a running one once its worker gets the signal. If the job ends first, it stays as it ended.
   * Returns its state.
   */
  cancel(id: string): Promise<JobState | undefined>;
  /** Makes a job that waits for its delay or next attempt due now. Returns whether it waited. One round trip. */
  promote(id: string): Promise<boolean>;
  /**
   * Sends a job a signal that its handler waits for, or will. The name has 1 to 64 letters, digits, `_ . : -`; the value is JSON of at most
   * 64 KB. Only the first signal of a name counts. Returns the job's previous state. One round trip.
   * @throws MarrowError `not_found`; `conflict` if the job has ended or its wait for this signal has timed out; `too_large`
   */
  signal(id: string, name: string, value?: unknown): Promise<JobState>;
  /** Deletes a job and its data; a running one is cancelled first. Returns whether it existed. */
  remove(id: string): Promise<boolean>;
  /**
   * Retries dead jobs, the named ones or this tenant's oldest, and returns their ids. A job with dependencies waits for those that are
   * retried too, and stays dead while one of them is dead. One round trip.
   */
  redrive(options?: {
    readonly ids?: readonly string[];
    readonly attempts?: number;
    readonly limit?: number;
  }): Promise<readonly string[]>;
  /**
   * Lists this tenant's jobs of a state, next or newest first; `ended` covers the last 1,000 of seven days. Unreadable jobs are included
   * (`unreadable`). Two round trips. For delayed and running jobs one more for each 250 jobs of other tenants before them, up to 1,000,000.
   */
  list(options: {
    readonly state: ListedState;
    /** @default 0 */
    readonly offset?: number | undefined;
    /** 1 to 1,000. @default 20 */
    readonly limit?: number | undefined;
  }): Promise<readonly Job<T, R>[]>;
  /**
   * Returns a page of the same list. For delayed and running jobs it reads at most 2,500 jobs of all tenants, so a page may have fewer than
   * `limit`, or none, and still a `cursor`. Jobs that change meanwhile may appear twice or be skipped. Two round trips, up to 11 for
   * delayed and running jobs.
   */
  page(options: {
    readonly state: ListedState;
    /** The `cursor` of the previous page, 0 to {@link JOBS_AFTER_MAX}. @default 0 */
    readonly after?: number | undefined;
    /** 1 to 1,000. @default 20 */
    readonly limit?: number | undefined;
  }): Promise<{ readonly data: readonly Job<T, R>[]; readonly cursor?: number | undefined }>;
  /**
   * Counts this tenant's waiting, blocked and dead jobs, and the finished jobs of all tenants by outcome. Includes whether the tenant is
   * paused.
   */
  counts(): Promise<{
    readonly waiting: number;
    readonly blocked: number;
    readonly deadKept: number;
    readonly paused: boolean;
    readonly done: number;
    readonly dead: number;
    readonly cancelled: number;
  }>;
  /**
   * Pauses this tenant: no worker gets its jobs until `resume`. Running jobs continue; pushes and schedules are accepted. Returns false if
   * it was already paused. One round trip.
   */
  pause(): Promise<boolean>;
  /** Ends a pause. Returns whether the tenant was paused. One round trip. */
  resume(): Promise<boolean>;
  /** Sets the tenant's share of turns relative to other tenants, over 0, to 1,000. @default 1 */
  setWeight(weight: number): Promise<void>;
}

/** States that `list` accepts. `delayed` includes suspended jobs; `ended` includes all recently finished jobs. */
export const LISTED_STATES = ["blocked", "waiting", "delayed", "running", "dead", "ended"] as const;
export type ListedState = (typeof LISTED_STATES)[number];

/** Furthest position of `page`. Jobs beyond it move up as others end. */
export const JOBS_AFTER_MAX = 1_000_000;
/** Most steps of `list`, and of `page`; each reads 250 jobs of all tenants. */
const LIST_STEPS_MAX = 4_000;
const PAGE_STEPS_MAX = 10;
/** Which jobs a list reads. */
interface Reading {
  readonly state: ListedState;
  readonly after?: number;
  readonly skip?: number;
  readonly limit: number;
  readonly steps: number;
}

const REDRIVE_MAX = 10_000;
const SIGNAL_BYTES_MAX = 65_536;
const POLL_MS = { first: 20, last: 200 } as const;

/**
 * Opens a queue for one tenant. All tenants of a partition share a cluster slot and take turns, so no tenant waits behind another's
 * backlog.
 * @throws MarrowError `invalid_option`
 */
export function createQueue<T = unknown, R = unknown>(redis: ScopedRedis, options: QueueOptions): Queue<T, R> {
  const scoped = checkScope(redis);
  const named = resolveQueueOptions(options);
  const queue = queueKeyOf(scoped.app, named, scoped.scope);
  const tenant = tenantPart(scoped.scope);
  const pusher = createPusher(scoped, { name: named.name, queue, tenant }, named);

  async function getMany(
    ids: readonly string[],
    read: typeof toJob<T, R> = toJob,
  ): Promise<readonly (Job<T, R> | undefined)[]> {
    const keys = ids.flatMap((id) => JOB_PARTS.map((part) => `${queue}:${part}:${checkJobId("id", id)}`));
    const replies = (await scoped.send(["MGET", ...keys], { reply: "bytes" })) as readonly Reply[];
    const jobs: (Job<T, R> | undefined)[] = [];
    for (const [at, id] of ids.entries()) {
      const parts = replies.slice(JOB_PARTS.length * at, JOB_PARTS.length * (at + 1));
      jobs.push(read(id, tenant, parts, await readBody(parts)));
    }
    return jobs;
  }

  const get = async (id: string) => (await getMany([id]))[0];

  /** Reads jobs of one state, from a place of its list and past some of the tenant's, in some steps; and where the next page begins, -1 for none. */
  async function readJobs({ state, limit, steps, ...from }: Reading): Promise<{ jobs: Job<T, R>[]; next: number }> {
    let { after = 0, skip = 0 } = from;
    // Jobs that move while pages are read may be met twice.
    const ids = new Set<string>();
    for (let step = 0; after >= 0 && ids.size < limit && step < steps; step += 1) {
      const reply = await runScript(
        scoped,
        pageJobs,
        { queue },
        { tenant, state, after, skip, limit: limit - ids.size },
      );
      const [next, still, found] = reply as readonly [number, number, readonly string[]];
      [after, skip] = [next, still];
      for (const id of found) ids.add(id);
    }
    const jobs = ids.size === 0 ? [] : await getMany([...ids], toListedJob);
    return { jobs: jobs.filter((job) => job !== undefined), next: after };
  }

  return {
    ...createSchedules<T>(scoped, queue, tenant),
    push: (payload, pushOptions = {}) => pusher.push(payload, pushOptions),
    pushMany: (jobs) => pusher.pushMany(jobs),
    get,

    async wait(id, { waitMs, signal }) {
      const deadlineMs =
        performance.now() + checkInteger("waitMs", waitMs, { min: 0, max: 86_400_000 }, "invalid_input");
      for (let pollMs: number = POLL_MS.first; ; pollMs = Math.min(POLL_MS.last, pollMs * 1.5)) {
        const job = await get(id);
        if (job === undefined) throw noJob();
        if (isEnded(job.state)) return job;
        const leftMs = deadlineMs - performance.now();
        if (leftMs <= 0) throw new MarrowError("timeout", `the job did not end within ${waitMs} ms`);
        await pause(Math.min(pollMs, leftMs), signal, "waiting for a job");
      }
    },

    read: (id, { after, signal } = {}) =>
      readOutput(scoped, {
        job: `${queue}:job:${checkJobId("id", id)}`,
        log: `${queue}:log:${id}`,
        progress: `${queue}:progress:${id}`,
        tenant,
        after,
        signal,
      }),

    async cancel(id) {
      const reply = await runScript(scoped, cancelJob, { queue }, { id: checkJobId("id", id), tenant });
      const [state, more] = String(reply).split(" ");
      if (more !== undefined) await settleRest(scoped, queue);
      return state === "" ? undefined : (state as JobState);
    },

    async promote(id) {
      const state = await runScript(scoped, promoteJob, { queue }, { id: checkJobId("id", id), tenant });
      return state === "delayed";
    },

    async signal(id, name, value = null) {
      const record = encodeBounded("value", value, SIGNAL_BYTES_MAX);
      const values = { id: checkJobId("id", id), tenant, name: checkNoteName("name", name), value: record };
      const state = (await runScript(scoped, signalJob, { queue }, { ...values, most: NOTES_MAX })) as string;
      if (state === "") throw noJob();
      if (state === "full") throw new MarrowError("too_large", `a job has at most ${NOTES_MAX} steps and signals`);
      if (state === "late")
        throw new MarrowError("conflict", "the job no longer waits for this signal: its time has passed");
      if (isEnded(state))
        throw new MarrowError("conflict", `the job has ended: it is ${state}`, { details: { state } });
      return state as JobState;
    },

    async remove(id) {
      const reply = await runScript(scoped, removeJob, { queue }, { id: checkJobId("id", id), tenant });
      if (reply === 2) await settleRest(scoped, queue);
      return reply !== 0;
    },

    async redrive(which = {}) {
      const { ids = [], attempts = 3, limit = 100 } = checkObject("options", which);
      if (!Array.isArray(ids) || ids.length > REDRIVE_MAX)
        refuse("ids", `a list of at most ${REDRIVE_MAX} ids`, ids, "invalid_input");
      const values = {
        tenant,
        attempts: checkInteger("attempts", attempts, { min: 1, max: 1_000 }, "invalid_input"),
        limit: checkInteger("limit", limit, { min: 1, max: 10_000 }, "invalid_input"),
        only: ids.map((id, at) => checkJobId(`ids.${at}`, id)),
      };
      return (await runScript(scoped, redriveJobs, { queue }, values)) as readonly string[];
    },

    async list(which) {
      const { state, offset = 0, limit = 20 } = checkObject("options", which);
      checkOneOf("state", state, LISTED_STATES, "invalid_input");
      checkInteger("offset", offset, { min: 0, max: 1_000_000 }, "invalid_input");
      checkInteger("limit", limit, { min: 1, max: 1_000 }, "invalid_input");
      return (await readJobs({ state, skip: offset, limit, steps: LIST_STEPS_MAX })).jobs;
    },

    async page(which) {
      const { state, after = 0, limit = 20 } = checkObject("options", which);
      checkOneOf("state", state, LISTED_STATES, "invalid_input");
      checkInteger("after", after, { min: 0, max: JOBS_AFTER_MAX }, "invalid_input");
      checkInteger("limit", limit, { min: 1, max: 1_000 }, "invalid_input");
      const { jobs, next } = await readJobs({ state, after, limit, steps: PAGE_STEPS_MAX });
      return { data: jobs, ...(next >= 0 && next <= JOBS_AFTER_MAX && { cursor: next }) };
    },

    async counts() {
      const [waiting, ended, deadKept, paused, blocked] = allOf(
        await scoped.pipeline([
          ["ZCARD", `${queue}:ready:${tenant}`],
          ["HMGET", `${queue}:counts`, "done", "dead", "cancelled"],
          ["ZCARD", `${queue}:dead:${tenant}`],
          ["SISMEMBER", `${queue}:paused`, tenant],
          ["ZCARD", `${queue}:blocked:${tenant}`],
        ]),
      );
      const [done, dead, cancelled] = (ended as readonly (string | null)[]).map(Number);
      return {
        waiting: Number(waiting),
        blocked: Number(blocked),
        deadKept: Number(deadKept),
        paused: paused === 1,
        done: done ?? 0,
        dead: dead ?? 0,
        cancelled: cancelled ?? 0,
      };
    },

    pause: async () => (await runScript(scoped, pauseJobs, { queue }, { tenant, paused: 1 })) === 1,
    resume: async () => (await runScript(scoped, pauseJobs, { queue }, { tenant, paused: 0 })) === 1,

    async setWeight(weight) {
      if (!(Number.isFinite(weight) && weight > 0 && weight <= 1_000))
        refuse("weight", "a number over 0, to 1,000", weight, "invalid_input");
      await scoped.send(["HSET", `${queue}:weights`, tenant, String(weight)], { retry: "safe" });
    },
  };
}
