import { randomBytes } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { MarrowError } from "../../errors.ts";
import { createQueue, type Job, type OutputEvent } from "../../queue/index.ts";
import { reachOf } from "../tenancy/asker.ts";
import { sendEvents } from "../http/event-stream.ts";
import { header } from "../tenancy/identity.ts";
import { TASKS_QUEUE } from "../jobs.ts";
import { ownKey, tagOf } from "../tenancy/ownership.ts";
import type { GatewayApp } from "../parts.ts";

const createBody = z.strictObject({
  payload: z.unknown(),
  priority: z.int().min(0).max(100).optional(),
  delay_ms: z.int().min(0).optional(),
  attempts: z.int().min(1).max(1_000).optional(),
  crashes: z.int().min(1).max(1_000).optional(),
  result_ttl_ms: z.int().min(1).optional(),
  depends_on: z.array(z.string()).max(100).optional(),
});

const signalBody = z.strictObject({ name: z.string().regex(/^[\w.:-]{1,64}$/), value: z.unknown().optional() });

interface Named {
  Params: { readonly id: string };
}

/** Registers `/v1/tasks`: plain jobs of a scope, run by the user's own workers on the queue `tasks`. */
export function registerTasks({ app, redis }: GatewayApp): void {
  const of = (request: FastifyRequest) => createQueue(redis.scope(request.principal.scope), { name: TASKS_QUEUE });

  async function find(request: FastifyRequest<Named>): Promise<Job> {
    const { only } = reachOf(request);
    // The id contains its user's tag; workers only see payloads, and need not send it.
    const own = only === undefined || request.params.id.startsWith(tagOf(only));
    const job = own ? await of(request).get(request.params.id) : undefined;
    if (job === undefined)
      throw new MarrowError("not_found", "there is no task of this id", { details: { path: "id" } });
    return job;
  }

  app.post("/v1/tasks", { schema: { body: createBody } }, async (request, reply) => {
    const body = request.body as z.infer<typeof createBody>;
    const reach = reachOf(request);
    const { only } = reach;
    const foreign = only === undefined ? undefined : body.depends_on?.find((other) => !other.startsWith(tagOf(only)));
    if (foreign !== undefined)
      throw new MarrowError("conflict", "a job that this one depends on does not exist or will never finish", {
        details: { path: "depends_on" },
      });
    const pushed = of(request).push(body.payload, {
      ...(only !== undefined && { id: `${tagOf(only)}${randomBytes(16).toString("hex")}` }),
      kind: "task",
      priority: body.priority,
      delayMs: body.delay_ms,
      attempts: body.attempts,
      crashes: body.crashes,
      resultTtlMs: body.result_ttl_ms,
      dependsOn: body.depends_on,
      idempotencyKey: ownKey(reach, header(request, "idempotency-key")),
    });
    const id = await pushed.catch((error: unknown) => {
      throw inWords(error);
    });
    const job = await of(request).get(id);
    reply.code(202);
    return job === undefined ? { id, object: "task" } : toBody(job);
  });

  app.get<Named>("/v1/tasks/:id", async (request) => toBody(await find(request)));

  app.post<Named>("/v1/tasks/:id/cancel", async (request) => {
    await find(request);
    await of(request).cancel(request.params.id);
    return toBody(await find(request));
  });

  app.delete<Named>("/v1/tasks/:id", async (request) => {
    await find(request);
    await of(request).remove(request.params.id);
    return { id: request.params.id, object: "task", deleted: true };
  });

  app.post<Named>("/v1/tasks/:id/signal", { schema: { body: signalBody } }, async (request) => {
    await find(request);
    const { name, value } = request.body as z.infer<typeof signalBody>;
    await of(request).signal(request.params.id, name, value);
    return toBody(await find(request));
  });

  app.post<Named>("/v1/tasks/:id/promote", async (request) => {
    await find(request);
    await of(request).promote(request.params.id);
    return toBody(await find(request));
  });

  app.get<Named>("/v1/tasks/:id/stream", async (request, reply) => {
    await find(request);
    const gone = new AbortController();
    const after = header(request, "last-event-id");
    const events = of(request).read(request.params.id, { after, signal: gone.signal });
    await sendEvents(reply, { "x-request-id": request.id }, toTexts(events), () => gone.abort());
  });
}

/** A job's output as server-sent events; the id of each is a place to go on after. */
async function* toTexts(events: AsyncIterable<OutputEvent>): AsyncGenerator<string> {
  try {
    for await (const { kind, ...rest } of events) {
      const at = "at" in rest ? `id: ${rest.at}\n` : "";
      yield `event: task.${kind}\n${at}data: ${JSON.stringify(rest)}\n\n`;
    }
  } catch (error) {
    if (!MarrowError.is(error, "aborted")) throw error;
  }
}

function toBody(job: Job) {
  const { id, state, createdAtMs, endedAtMs, result, reason, attemptsLeft, crashesLeft, failures, progress } = job;
  return {
    id,
    object: "task",
    state,
    created_at: Math.floor(createdAtMs / 1000),
    ended_at: endedAtMs === undefined ? null : Math.floor(endedAtMs / 1000),
    result: result ?? null,
    reason: reason ?? null,
    attempts_left: attemptsLeft,
    crashes_left: crashesLeft,
    progress: progress ?? null,
    failures: failures.map(({ atMs, reason: why, message }) => ({
      at: Math.floor(atMs / 1000),
      reason: why,
      message,
    })),
  };
}

/** Options of the library by their names in a request. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ["delayMs", "delay_ms"],
  ["resultTtlMs", "result_ttl_ms"],
  ["dependsOn", "depends_on"],
  ["idempotencyKey", "idempotency-key"],
]);

/** An error of the library, about the field of the request that it is about. */
function inWords(error: unknown): unknown {
  const path = MarrowError.is(error) ? error.details?.["path"] : undefined;
  if (typeof path !== "string") return error;
  const { code, message, cause, details } = error as MarrowError;
  const [option = "", ...rest] = path.split(".");
  const word = WORDS.get(option);
  if (word === undefined) return error;
  const field = [word, ...rest].join(".");
  const told = message.startsWith(path) ? field + message.slice(path.length) : message;
  return new MarrowError(code, told, { cause, details: { ...details, path: field } });
}
