import { MarrowError } from "../../errors.ts";
import { readServerFacts, warningsOf, type Redis } from "../../redis/index.ts";
import { reportEngine } from "../../vectors/index.ts";
import type { GatewayConfig } from "../config/config.ts";
import { toShownConfig } from "../config/shown-config.ts";
import type { GatewayApp } from "../parts.ts";
import type { HealthAnswer, ServerAnswer } from "./answers.ts";
import { checkAdmin } from "./guard.ts";

/** `GET /v1/admin/health`: what `marrow doctor` finds of each Redis, and the configuration in force with its secrets masked. */
export function registerCondition({ app, redis, cacheRedis }: GatewayApp, config: GatewayConfig): void {
  app.get("/v1/admin/health", { onRequest: checkAdmin }, async (): Promise<HealthAnswer> => {
    const servers =
      cacheRedis === redis
        ? [["Redis", redis] as const]
        : [["Redis", redis] as const, ["The cache's Redis", cacheRedis] as const];
    return {
      object: "health",
      servers: await Promise.all(servers.map(([name, server]) => examine(name, server, config))),
      config: toShownConfig(config),
    };
  });
}

async function examine(name: string, redis: Redis, { engine: choice }: GatewayConfig): Promise<ServerAnswer> {
  try {
    const [{ engine, version, vectorSets, search, functions, cluster }, facts, vectors] = await Promise.all([
      redis.capabilities(),
      readServerFacts(redis),
      reportEngine(redis, choice),
    ]);
    return {
      name,
      state: "ready",
      facts: {
        server: `${engine} ${version ?? ""}`.trim(),
        role: facts.role ?? "unknown",
        "maxmemory-policy": facts.policy ?? "unknown",
        "append-only file": toWord(facts.aof),
        snapshots: toWord(facts.snapshots),
        "vector sets": vectorSets,
        search,
        functions,
        cluster,
        "vectors are found by": `${vectors.engine} (${vectors.why})`,
        "search indexes": `${vectors.indexes.length} of ${vectors.indexesMax}`,
      },
      warnings: warningsOf(facts),
    };
  } catch (error) {
    return { name, state: "away", code: MarrowError.is(error) ? error.code : "internal" };
  }
}

function toWord(value: boolean | undefined): string {
  return value === undefined ? "unknown" : value ? "yes" : "no";
}
