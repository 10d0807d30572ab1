import { setTimeout as pause } from "node:timers/promises";
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import { createClaims, type Claim, type ClaimedJob } from "../../queue/index.ts";
import { TASKS_QUEUE } from "../jobs.ts";
import type { GatewayApp } from "../parts.ts";

const fence = z.string().regex(/^\d{1,20}$/);
const leaseMs = z.int().min(1_000).max(3_600_000).optional();
const bodies = {
  claim: z.strictObject({
    limit: z.int().min(1).max(100).optional(),
    lease_ms: leaseMs,
    wait_ms: z.int().min(0).max(30_000).optional(),
  }),
  extend: z.strictObject({ fence, lease_ms: leaseMs }),
  write: z.strictObject({
    fence,
    from: z.int().min(0).max(1_000_000_000),
    texts: z.array(z.string().max(65_536)).min(1).max(512),
  }),
  progress: z.strictObject({ fence, progress: z.unknown() }),
  step: z.strictObject({ fence, name: z.string().regex(/^[\w.:-]{1,64}$/), result: z.unknown() }),
  finish: z.strictObject({ fence, result: z.unknown().optional() }),
  fail: z.strictObject({
    fence,
    reason: z
      .string()
      .regex(/^[a-z_]{1,32}$/)
      .optional(),
    message: z.string().max(100_000).optional(),
    retryable: z.boolean().optional(),
    retry_after_ms: z.int().min(0).max(604_800_000).optional(),
  }),
  release: z.strictObject({ fence }),
} as const;

/** Longest wait of a claim while the process stops, in milliseconds. */
const STOPPING_WAIT_MS = 1_000;

type BodyOf<Act extends keyof typeof bodies> = z.infer<(typeof bodies)[Act]>;

interface Named {
  Params: { readonly id: string };
}

/** Registers `/v1/tasks/claim` and the reports of workers: workers in any language, for keys that act for any user. */
export function registerTaskWorkers({ app, redis, draining }: GatewayApp): void {
  const of = (request: FastifyRequest) => createClaims(redis.scope(request.principal.scope), { name: TASKS_QUEUE });

  app.post("/v1/tasks/claim", { schema: { body: bodies.claim } }, async (request) => {
    const body = request.body as BodyOf<"claim">;
    // A stopping process gives out no jobs; the wait slows workers that retry at once.
    if (draining.signal.aborted) return await sayNothing(Math.min(body.wait_ms ?? 0, STOPPING_WAIT_MS));
    const gone = new AbortController();
    const leave = () => gone.abort();
    request.raw.socket.once("close", leave);
    draining.signal.addEventListener("abort", leave);
    try {
      const options = {
        ...(body.limit !== undefined && { limit: body.limit }),
        ...(body.lease_ms !== undefined && { leaseMs: body.lease_ms }),
        ...(body.wait_ms !== undefined && { waitMs: body.wait_ms }),
      };
      const jobs = await of(request).claim(options, gone.signal);
      return { object: "list", data: jobs.map(toBody) };
    } catch (error) {
      if (draining.signal.aborted && MarrowError.is(error, "aborted")) return await sayNothing(0);
      throw error;
    } finally {
      draining.signal.removeEventListener("abort", leave);
      request.raw.socket.off("close", leave);
    }
  });

  /** Registers a route for a worker's report on its task. */
  function says<Act extends Exclude<keyof typeof bodies, "claim">>(
    act: Act,
    answer: (request: FastifyRequest<Named>, claim: Claim, body: BodyOf<Act>) => Promise<object>,
  ): void {
    app.post<Named>(`/v1/tasks/:id/${act}`, { schema: { body: bodies[act] } }, async (request) => {
      const body = request.body as BodyOf<Act>;
      const claim = { id: request.params.id, fence: body.fence };
      return { id: claim.id, object: "task", ...(await answer(request, claim, body)) };
    });
  }

  says("extend", async (request, claim, body) => ({
    state: await of(request).extend(claim, { leaseMs: body.lease_ms }),
  }));
  says("write", async (request, claim, { from, texts }) => ({ parts: await of(request).write(claim, from, texts) }));
  says("step", async (request, claim, { name, result }) => ({
    name,
    result: await of(request).step(claim, name, result),
  }));
  says("progress", async (request, claim, { progress }) => {
    await of(request).progress(claim, progress);
    return {};
  });
  says("finish", async (request, claim, { result }) => {
    return { state: await of(request).finish(claim, result) };
  });
  says("fail", async (request, claim, { reason, message, retryable, retry_after_ms: retryAfterMs }) => {
    await of(request).fail(claim, { reason, message, retryable, retryAfterMs });
    return {};
  });
  says("release", async (request, claim) => {
    await of(request).release(claim);
    return {};
  });
}

/** The answer of a claim for which there is no task. */
async function sayNothing(afterMs: number): Promise<{ readonly object: "list"; readonly data: readonly never[] }> {
  if (afterMs > 0) await pause(afterMs);
  return { object: "list", data: [] };
}

function toBody(job: ClaimedJob) {
  return {
    id: job.id,
    object: "task",
    fence: job.fence,
    payload: job.payload,
    attempts_left: job.attemptsLeft,
    crashes_left: job.crashesLeft,
    created_at: Math.floor(job.createdAtMs / 1_000),
    idempotency_key: job.idempotencyKey,
    steps: job.steps,
  };
}
