import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import {
  createQueue,
  createWebhooks,
  JOBS_AFTER_MAX,
  LISTED_STATES,
  pauseQueue,
  resumeQueue,
  type Job,
  type Queue,
  type Schedule,
} from "../../queue/index.ts";
import { unlessDamaged } from "../../redis/index.ts";
import type { GatewayConfig } from "../config/config.ts";
import { GATEWAY_QUEUE, TASKS_QUEUE } from "../jobs.ts";
import type { GatewayApp } from "../parts.ts";
import type { DeliveryAnswer, JobsActedAnswer } from "./answers-roles.ts";
import type { JobAnswer, ListAnswer, ScheduleAnswer, ScopedQueueAnswer } from "./answers.ts";
import { toDelivery } from "./endpoints.ts";
import { checkAdmin, scopeOf } from "./guard.ts";
import { listedQuery, name, nothing, pageLimit, scoped } from "./queries.ts";
import { readQueues } from "./overview.ts";
import { withUnreadable } from "./rows.ts";

const jobsQuery = z.looseObject({
  scope: name.optional(),
  state: z.enum(LISTED_STATES).optional(),
  after: z.coerce.number().int().min(0).max(JOBS_AFTER_MAX).optional(),
  limit: pageLimit,
});
/** `all`: for all tenants; otherwise the scope's jobs alone. */
const pauseBody = z.strictObject({ all: z.boolean().optional() }).nullish();
const redriveBody = z.strictObject({ limit: z.int().min(1).max(1_000).optional() }).nullish();
const WORKS = new Set(["response", "batch-start", "batch-line", "batch-check", "batch-end", "judge"]);
const actsBody = z.strictObject({
  act: z.enum(["promote", "cancel", "redrive"]),
  ids: z.array(name).min(1).max(100),
});
/** Endpoints that a job's deliveries are looked for at, and the last deliveries of each. */
const ENDPOINTS_MAX = 50;
const DELIVERIES_MAX = 200;

interface OfQueue {
  Params: { readonly queue: string };
}
interface OfJob {
  Params: { readonly queue: string; readonly id: string };
}

/**
 * Registers `/v1/admin/queues`: the gateway's queues, their jobs by state, and an operator's acts on them. Returns the function that reads
 * the statistics.
 */
export function registerQueues(
  { app, redis }: GatewayApp,
  { dashboard, webhooks: { allowNetworks, allowHttp } }: Pick<GatewayConfig, "dashboard" | "webhooks">,
): (scope: string) => Promise<ListAnswer<ScopedQueueAnswer>> {
  const shows = dashboard.content === "visible";

  function open(queue: string, scope: string): Queue {
    if (queue !== GATEWAY_QUEUE && queue !== TASKS_QUEUE)
      throw new MarrowError("not_found", "there is no such queue; the queues are gateway and tasks", {
        details: { path: "queue" },
      });
    return createQueue(redis.scope(scope), { name: queue });
  }

  async function read(scope: string): Promise<ListAnswer<ScopedQueueAnswer>> {
    const queues = await readQueues(redis);
    const found = await Promise.all(
      queues.map(async (queue) => {
        const counts = queue && (await unlessDamaged(open(queue.name, scope).counts()));
        if (queue === undefined || counts === undefined) return undefined;
        const { waiting, deadKept, paused } = counts;
        return { ...queue, of_scope: { waiting, dead_kept: deadKept, paused } };
      }),
    );
    const data = found.filter((queue) => queue !== undefined);
    return { object: "list", data, ...withUnreadable(found.length - data.length) };
  }

  app.get("/v1/admin/queues", { onRequest: checkAdmin, schema: { querystring: scoped } }, (request) =>
    read(scopeOf(request)),
  );

  app.get<OfQueue>(
    "/v1/admin/queues/:queue/jobs",
    { onRequest: checkAdmin, schema: { querystring: jobsQuery } },
    async (request): Promise<ListAnswer<JobAnswer>> => {
      const { state = "waiting", after, limit = 25 } = jobsQuery.parse(request.query);
      const { data, cursor } = await open(request.params.queue, scopeOf(request)).page({ state, after, limit });
      const next = cursor === undefined ? {} : { next: String(cursor) };
      return { object: "list", data: data.map((job) => toAnswer(job, shows, request.params.queue)), ...next };
    },
  );

  app.get<OfJob>(
    "/v1/admin/queues/:queue/jobs/:id",
    { onRequest: checkAdmin, schema: { querystring: scoped } },
    async (request): Promise<JobAnswer> => {
      const job = await open(request.params.queue, scopeOf(request)).get(request.params.id);
      if (job === undefined) throw noJob();
      return toAnswer(job, shows, request.params.queue);
    },
  );

  const acts = new Map<string, (queue: Queue, id: string) => Promise<unknown>>([
    ["promote", (queue, id) => queue.promote(id)],
    ["cancel", async (queue, id) => (await queue.cancel(id)) !== undefined],
    ["redrive", async (queue, id) => (await queue.redrive({ ids: [id] })).length > 0],
  ]);
  for (const [verb, act] of acts)
    app.post<OfJob>(
      `/v1/admin/queues/:queue/jobs/:id/${verb}`,
      { onRequest: checkAdmin, schema: { body: nothing, querystring: scoped } },
      async (request) => {
        const queue = open(request.params.queue, scopeOf(request));
        const { id } = request.params;
        if ((await queue.get(id)) === undefined) throw noJob();
        if ((await act(queue, id)) !== true)
          throw new MarrowError("conflict", `${verb} is not possible in the present state of the job`, {
            details: { path: "id" },
          });
        return { id, object: "job", done: verb };
      },
    );

  app.post<OfQueue>(
    "/v1/admin/queues/:queue/jobs",
    { onRequest: checkAdmin, schema: { body: actsBody, querystring: scoped } },
    async (request): Promise<JobsActedAnswer> => {
      const { act: verb, ids } = request.body as z.infer<typeof actsBody>;
      const queue = open(request.params.queue, scopeOf(request));
      const act = acts.get(verb) ?? (async () => false);
      const done: string[] = [];
      // One after the other: an operator's hundred jobs must not come before everybody's next one.
      for (const id of new Set(ids)) if ((await act(queue, id)) === true) done.push(id);
      return {
        object: "queue",
        name: request.params.queue,
        act: verb,
        done,
        left: ids.filter((id) => !done.includes(id)),
      };
    },
  );

  app.get<OfJob>(
    "/v1/admin/queues/:queue/jobs/:id/deliveries",
    { onRequest: checkAdmin, schema: { querystring: scoped } },
    async (request): Promise<ListAnswer<DeliveryAnswer>> => {
      const { queue, id: job } = request.params;
      open(queue, scopeOf(request));
      const webhooks = createWebhooks(redis.scope(scopeOf(request)), { name: queue, allowNetworks, allowHttp });
      const endpoints = (await webhooks.list()).filter(({ unreadable }) => unreadable === undefined);
      const found = await Promise.all(
        endpoints.slice(0, ENDPOINTS_MAX).map(async ({ id, url }) => {
          const deliveries = await webhooks.deliveries(id, { limit: DELIVERIES_MAX, job });
          return deliveries.map((delivery) => toDelivery(delivery, id, url));
        }),
      );
      return { object: "list", data: found.flat().toSorted((one, other) => other.created_at_ms - one.created_at_ms) };
    },
  );

  app.post<OfQueue>(
    "/v1/admin/queues/:queue/redrive",
    { onRequest: checkAdmin, schema: { body: redriveBody, querystring: scoped } },
    async (request) => {
      const { limit = 100 } = (request.body as z.infer<typeof redriveBody>) ?? {};
      const ids = await open(request.params.queue, scopeOf(request)).redrive({ limit });
      return { object: "queue", name: request.params.queue, redriven: ids.length };
    },
  );

  for (const [verb, ofAll] of [
    ["pause", pauseQueue],
    ["resume", resumeQueue],
  ] as const)
    app.post<OfQueue>(
      `/v1/admin/queues/:queue/${verb}`,
      { onRequest: checkAdmin, schema: { body: pauseBody, querystring: scoped } },
      async (request) => {
        const { all = false } = (request.body as z.infer<typeof pauseBody>) ?? {};
        const queue = open(request.params.queue, scopeOf(request));
        const changed = await (all ? ofAll(redis, { name: request.params.queue }) : queue[verb]());
        return { object: "queue", name: request.params.queue, all, changed };
      },
    );

  app.get<OfQueue>(
    "/v1/admin/queues/:queue/schedules",
    { onRequest: checkAdmin, schema: { querystring: listedQuery } },
    async (request): Promise<ListAnswer<ScheduleAnswer>> => {
      const { after, limit } = listedQuery.parse(request.query);
      const { data, cursor } = await open(request.params.queue, scopeOf(request)).listSchedules({ after, limit });
      return { object: "list", data: data.map(toSchedule), ...(cursor !== undefined && { next: cursor }) };
    },
  );
  return read;
}

/** Describes a job of the gateway's own queue; other jobs are not known here. */
function workOf(payload: unknown, queue: string): Pick<JobAnswer, "work" | "batch"> {
  if (queue !== GATEWAY_QUEUE || typeof payload !== "object" || payload === null) return {};
  const { type, batch } = payload as { readonly type?: unknown; readonly batch?: unknown };
  if (typeof type !== "string" || !WORKS.has(type)) return {};
  return { work: type, ...(typeof batch === "string" && { batch }) };
}

function toAnswer(job: Job, shows: boolean, queue: string): JobAnswer {
  const { id, state, createdAtMs, endedAtMs, reason, attemptsLeft, crashesLeft, failures, payload, result, progress } =
    job;
  return {
    id,
    object: "job",
    state,
    ...workOf(payload, queue),
    created_at_ms: createdAtMs,
    ended_at_ms: endedAtMs,
    reason,
    attempts_left: attemptsLeft,
    crashes_left: crashesLeft,
    // A failure's message comes from a handler and may quote content.
    failures: failures.map(({ atMs, reason: why, message }) => ({
      at_ms: atMs,
      reason: why,
      ...(shows && { message }),
    })),
    hidden: !shows,
    ...(shows && { payload, result, progress }),
  };
}

function toSchedule({
  name: called,
  nextAtMs,
  when,
  unreadable,
}: Schedule & { readonly unreadable?: unknown }): ScheduleAnswer {
  const words =
    when === undefined
      ? undefined
      : "cron" in when
        ? `${when.cron} ${when.timeZone ?? "UTC"}`
        : `every ${toWords(when.everyMs)}`;
  return { name: called, next_at_ms: nextAtMs, when: words, readable: unreadable === undefined };
}

/** A length of time in the largest unit that leaves a whole number. */
function toWords(ms: number): string {
  const units = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["min", 60_000],
    ["s", 1_000],
  ] as const;
  const [unit, length] = units.find(([, of]) => ms % of === 0) ?? ["ms", 1];
  return `${ms / length} ${unit}`;
}

function noJob(): MarrowError {
  return new MarrowError("not_found", "the scope has no job of this id", { details: { path: "id" } });
}
