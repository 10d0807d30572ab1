import { MarrowError } from "../../errors.ts";
import { readQueueStats, type QueueStats } from "../../queue/index.ts";
import { readServerFacts, unlessDamaged, warningsOf, type Redis } from "../../redis/index.ts";
import { GATEWAY_QUEUE, TASKS_QUEUE } from "../jobs.ts";
import type { GatewayApp } from "../parts.ts";
import { VERSION } from "../version.ts";
import type { OverviewAnswer, QueueAnswer } from "./answers.ts";
import { checkAdmin } from "./guard.ts";
import type { Pulse } from "./pulse.ts";

/** Time that one answer is reused for all readers. */
const KEPT_MS = 1_000;
const MODELS_MAX = 200;

/**
 * Registers `GET /v1/admin/overview`: this process in the last hour, Redis, queues and upstreams. Redis is read once per second, however
 * many clients poll. Returns the function that reads it.
 */
export function registerOverview(parts: GatewayApp, pulse: Pulse): () => Promise<OverviewAnswer> {
  const { app, redis, listModels, standings } = parts;
  const startedMs = Date.now();
  let kept: { readonly atMs: number; readonly answer: Promise<OverviewAnswer> } | undefined;

  async function read(): Promise<OverviewAnswer> {
    const [about, queues, models] = await Promise.all([
      describeRedis(redis),
      readQueues(redis)
        .then((found) => found.filter((queue) => queue !== undefined))
        .catch((): readonly QueueAnswer[] => []),
      listModels().catch(() => []),
    ]);
    return {
      object: "overview",
      now_ms: Date.now(),
      started_ms: startedMs,
      version: VERSION,
      ...pulse.read(),
      upstreams: (standings?.() ?? []).map(({ remainingMs, inFlight, ...standing }) => ({
        ...standing,
        remaining_ms: remainingMs,
        in_flight: inFlight,
      })),
      models: models.slice(0, MODELS_MAX).map(({ id }) => id),
      redis: about,
      queues,
    };
  }

  async function readKept(): Promise<OverviewAnswer> {
    const nowMs = performance.now();
    if (kept === undefined || nowMs - kept.atMs >= KEPT_MS) kept = { atMs: nowMs, answer: read() };
    return kept.answer;
  }

  app.get("/v1/admin/overview", { onRequest: checkAdmin }, readKept);
  return readKept;
}

async function describeRedis(redis: Redis): Promise<OverviewAnswer["redis"]> {
  const startMs = performance.now();
  try {
    await redis.send(["PING"], { timeoutMs: 1_000 });
    const tookMs = performance.now() - startMs;
    const [{ engine, version }, facts] = await Promise.all([redis.capabilities(), readServerFacts(redis)]);
    return {
      state: "ready",
      engine,
      version,
      round_trip_ms: Math.round(tookMs * 100) / 100,
      memory_bytes: facts.memoryBytes,
      memory_bytes_max: facts.memoryBytesMax,
      evicted_keys: facts.evictedKeys,
      warnings: warningsOf(facts).length,
    };
  } catch (error) {
    return { state: "away", code: MarrowError.is(error) ? error.code : "internal" };
  }
}

/** Reads the statistics of the gateway's queues; `undefined` for one with damaged keys. */
export async function readQueues(redis: Redis): Promise<readonly (QueueAnswer | undefined)[]> {
  return Promise.all(
    [GATEWAY_QUEUE, TASKS_QUEUE].map(async (name) => {
      const stats = await unlessDamaged(readQueueStats(redis, { name }));
      return stats && toQueue(name, stats);
    }),
  );
}

function toQueue(name: string, stats: QueueStats): QueueAnswer {
  const { deadKept, tenantsWaiting, tenantsPaused, endpointsWaiting, ...counts } = stats;
  return {
    name,
    ...counts,
    dead_kept: deadKept,
    tenants_waiting: tenantsWaiting,
    tenants_paused: tenantsPaused,
    endpoints_waiting: endpointsWaiting,
  };
}
