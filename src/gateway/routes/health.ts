import { readQueueStats } from "../../queue/index.ts";
import { GATEWAY_QUEUE, TASKS_QUEUE } from "../jobs.ts";
import type { GatewayApp } from "../parts.ts";

const READY_WAIT_MS = 1_000;

/** `GET /healthz` (the process runs), `GET /readyz` (Redis answers) and `GET /metrics`: open, without tenants' data. */
export function registerHealth({ app, redis, metrics }: GatewayApp): void {
  app.get("/healthz", { config: { open: true } }, async () => ({ status: "ok" }));

  app.get("/readyz", { config: { open: true } }, async (_, reply) => {
    try {
      await redis.send(["PING"], { timeoutMs: READY_WAIT_MS });
      return { status: "ready" };
    } catch {
      return reply.code(503).send({ status: "redis is away; answers come from the model alone" });
    }
  });

  app.get("/metrics", { config: { open: true } }, async (_, reply) => {
    // While Redis is away the queues stand as they were last seen.
    await Promise.all(
      [GATEWAY_QUEUE, TASKS_QUEUE].map(async (name) => metrics.queued(name, await readQueueStats(redis, { name }))),
    ).catch(() => {});
    return reply.header("content-type", metrics.registry.contentType).send(await metrics.registry.metrics());
  });
}
