import type { FastifyRequest } from "fastify";
import { MarrowError } from "../../errors.ts";
import { readQueueStats } from "../../queue/index.ts";
import { bearerOf, header } from "../tenancy/identity.ts";
import { GATEWAY_QUEUE, TASKS_QUEUE } from "../jobs.ts";
import type { GatewayApp } from "../parts.ts";
import { OPEN_METRICS, OPEN_METRICS_TYPE } from "./open-metrics.ts";

/** Response of `/readyz` while the gateway stops: it still answers, but accepts no more work. */
const STOPPING = {
  status: "draining",
  state: "draining",
  reason: "this process is stopping; use another one",
  reads: true,
};

/**
 * Registers `GET /healthz` (the process runs), `GET /readyz` (Redis serves reads and writes) and `GET /metrics`: public, without tenants'
 * data.
 */
export function registerHealth({ app, readiness, cacheReadiness, metrics, keys, redis, draining }: GatewayApp): void {
  /**
   * Returns true for an admin's request. An unknown key is refused. While Redis is unavailable no key is known, and only the public part is
   * served.
   */
  async function isAdmin(request: FastifyRequest): Promise<boolean> {
    const key = bearerOf(request);
    if (key === undefined) return false;
    try {
      return (await keys.identify(key)).role === "admin";
    } catch (error) {
      if (MarrowError.is(error, "unauthorized")) throw error;
      return false;
    }
  }

  app.get("/healthz", { config: { open: true } }, async () => ({ status: "ok" }));

  app.get("/readyz", { config: { open: true } }, async (_, reply) => {
    if (draining.signal.aborted) return reply.code(503).send(STOPPING);
    const [now, cache] = await Promise.all([readiness(), cacheReadiness?.()]);
    // Without its cache a gateway still does all of its work, at the model's price.
    const beside = cache?.ready === false && {
      cache: { state: cache.state, reason: cache.reason, missing: cache.missing },
    };
    if (now.ready) return { status: "ready", ...beside };
    const { state, reason, reads, missing } = now;
    const isCached = cache === undefined ? reads : cache.ready || cache.reads;
    const answers = `chats are answered by the model${isCached ? " and from stored answers" : ""}`;
    return reply
      .code(503)
      .send({ status: "degraded", state, reason: `${reason}; ${answers}`, reads, missing, ...beside });
  });

  app.get("/metrics", { config: { open: true } }, async (request, reply) => {
    const forAdmin = await isAdmin(request);
    // While Redis is away the queues stand as they were last seen.
    await Promise.all(
      [GATEWAY_QUEUE, TASKS_QUEUE].map(async (name) => metrics.queued(name, await readQueueStats(redis, { name }))),
    ).catch(() => {});
    const isOpen = header(request, "accept")?.includes(OPEN_METRICS) === true;
    const type = isOpen ? OPEN_METRICS_TYPE : metrics.contentType;
    return reply.header("content-type", type).send(await metrics.render(forAdmin, isOpen));
  });
}
