import type { FastifyInstance } from "fastify";
import { MarrowError } from "../errors.ts";
import { workFor } from "../internal/working-for.ts";
import { createSender, createWorker, type Work } from "../queue/index.ts";
import type { Redis } from "../redis/index.ts";
import { NOBODY, type ApiKeys } from "./tenancy/api-keys.ts";
import type { Asker } from "./tenancy/asker.ts";
import type { LineResult } from "./batches/batch.ts";
import type { BatchJob, Batches } from "./batches/batches.ts";
import type { JudgeQueueJob } from "./models/cache-judge.ts";
import type { GatewayConfig } from "./config/config.ts";
import type { Inside } from "./http/inside.ts";
import { GATEWAY_QUEUE, TASKS_QUEUE } from "./jobs.ts";
import type { ResponseJob } from "./responses/responses.ts";
import { makeResponse, type WorkParts } from "./responses/work.ts";
import { createSpareTime, type SpareTime } from "./spare-time.ts";

/** Background work of this process, until it is closed. */
export interface Background {
  /** Stops taking jobs, lets running ones finish for the configured `drainMs`, and returns the rest to the queue. */
  close(): Promise<void>;
}

/** Any job in the gateway's queue. */
type GatewayJob = ResponseJob | BatchJob | JudgeQueueJob;

/** Dependencies of the background work. */
export interface BackgroundParts extends WorkParts {
  readonly app: FastifyInstance;
  readonly redis: Redis;
  readonly config: GatewayConfig;
  readonly batches: (scope: string) => Batches;
  readonly askAs: Inside["askAs"];
  readonly keys: ApiKeys;
  /** This process serves no requests. */
  readonly alone: boolean;
}

/** Starts the work on the gateway's queue and the sending of its webhooks, and of those of plain jobs. */
export function startBackground(parts: BackgroundParts): Background {
  const { app, redis, config } = parts;
  const { concurrency, tenantMax } = config.background;
  const spareTime = parts.alone ? undefined : createSpareTime();
  const onError = (error: unknown) =>
    app.log.warn({ code: MarrowError.is(error) ? error.code : "internal" }, "something failed in the background");
  const work = (job: Work<GatewayJob>) => workFor({ owner: job.scope }, () => workAt(job));
  const workAt = async (job: Work<GatewayJob>): Promise<unknown> => {
    const { payload, scope } = job;
    if (payload.type === "judge") return parts.tenants(scope).judge(payload.job);
    const asker = await standingOf(parts.keys, payload.asker);
    if (payload.type !== "response") return workAtBatch(parts, job as Work<BatchJob>, asker, spareTime);
    if (asker === undefined) throw new MarrowError("unauthorized", "the key of this response was revoked");
    return makeResponse(parts, job as Work<ResponseJob>, asker);
  };
  const options = { name: GATEWAY_QUEUE, concurrency, tenantMax, drainMs: config.drainMs, onError };
  const worker = createWorker<GatewayJob>(redis, options, work);
  const senders = [GATEWAY_QUEUE, TASKS_QUEUE].map((name) =>
    createSender(redis, { name, ...config.webhooks, onError }),
  );
  return {
    async close() {
      await Promise.all([worker.close(), ...senders.map((sender) => sender.close())]);
    },
  };
}

/**
 * An asker as its key stands when a job starts, with the plan that it has now; `undefined` once the key was revoked, or acts for its own user
 * only since.
 */
async function standingOf(keys: ApiKeys, asker: Asker): Promise<Asker | undefined> {
  if (asker.key === NOBODY.id) return asker;
  const principal = await keys.standing(asker.key);
  if (principal === undefined || principal.scope !== asker.scope) return undefined;
  if (principal.actsFor === "any") return { ...asker, plan: principal.plan };
  return asker.user === principal.user ? { ...asker, plan: principal.plan, only: asker.user } : undefined;
}

async function workAtBatch(
  parts: BackgroundParts,
  { scope, payload, attemptsLeft, conclude }: Work<BatchJob>,
  asker: Asker | undefined,
  spareTime: SpareTime | undefined,
): Promise<null> {
  const batches = parts.batches(scope);
  // Lines that were not run are listed in the error file, as for a cancelled batch.
  if (asker === undefined) await batches.stop(payload.batch);
  if (payload.type !== "batch-line") {
    const ended = await batches.work(payload);
    if (ended !== undefined && ended.status !== "completed") conclude(ended.status);
    return null;
  }
  const { batch, line, request, endpoint } = payload;
  await spareTime?.turn(scope);
  if (asker === undefined || !(await batches.open(batch))) return null;
  if (batches.isFull()) {
    const error = { code: "too_large", message: "this scope keeps as many bytes as it may (scope-bytes)" };
    await batches.put(batch, line, { id: `${batch}_l${line}`, custom_id: request.custom_id, response: null, error });
    return null;
  }
  const { status, id, body, retryAfterMs } = await parts.askAs(asker, endpoint, request.body);
  // Limits are waited for; failures that may pass are retried while there are attempts.
  if (status === 429)
    throw new MarrowError("rate_limited", "a rate limit refused a line of the batch", { details: { retryAfterMs } });
  if (status >= 500 && attemptsLeft > 1)
    throw new MarrowError("model_failed", `a line of a batch failed with ${status}`);
  const result: LineResult = {
    id: `${batch}_l${line}`,
    custom_id: request.custom_id,
    response: { status_code: status, request_id: id, body },
    error: null,
  };
  await batches.put(batch, line, result);
  return null;
}
