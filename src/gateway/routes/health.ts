import { readQueueStats } from "../../queue/index.ts";
import { GATEWAY_QUEUE, TASKS_QUEUE } from "../jobs.ts";
import type { GatewayApp } from "../parts.ts";
import { createReadiness } from "../readiness.ts";

/** `GET /healthz` (the process runs), `GET /readyz` (Redis serves reads and writes) and `GET /metrics`: open, without tenants' data. */
export function registerHealth({ app, redis, metrics }: GatewayApp): void {
  app.get("/healthz", { config: { open: true } }, async () => ({ status: "ok" }));

  const readiness = createReadiness(redis);
  app.get("/readyz", { config: { open: true } }, async (_, reply) => {
    const now = await readiness();
    if (now.ready) return { status: "ready" };
    const { state, reason, reads } = now;
    const answers = reads
      ? "chats are answered by the model and from stored answers"
      : "chats are answered by the model";
    return reply.code(503).send({ status: "degraded", state, reason: `${reason}; ${answers}`, reads });
  });

  app.get("/metrics", { config: { open: true } }, async (_, reply) => {
    // While Redis is away the queues stand as they were last seen.
    await Promise.all(
      [GATEWAY_QUEUE, TASKS_QUEUE].map(async (name) => metrics.queued(name, await readQueueStats(redis, { name }))),
    ).catch(() => {});
    return reply.header("content-type", metrics.registry.contentType).send(await metrics.registry.metrics());
  });
}
