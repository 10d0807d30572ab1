import { MarrowError } from "../../errors.ts";
import { readServerFacts, warningsOf, type Redis, type ServerFacts } from "../../redis/index.ts";
import { nodesFor, planUsed } from "../../size/index.ts";
import { reportEngine } from "../../vectors/index.ts";
import type { GatewayConfig } from "../config/config.ts";
import { toShownConfig } from "../config/shown-config.ts";
import type { GatewayApp } from "../parts.ts";
import type { HealthAnswer, ServerAnswer } from "./answers.ts";
import { checkAdmin } from "./guard.ts";

/** Registers `GET /v1/admin/health`: the results of `marrow doctor` for each Redis, and the current configuration with secrets masked. */
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

const SLOW_LINES = 128;
const SLOW_SHOWN = 10;
const COMMAND_CHARS_MAX = 40;

async function examine(name: string, redis: Redis, { engine: choice }: GatewayConfig): Promise<ServerAnswer> {
  try {
    const [{ engine, version, vectorSets, search, functions, cluster }, facts, vectors, slow] = await Promise.all([
      redis.capabilities(),
      readServerFacts(redis),
      reportEngine(redis, choice),
      slowestOf(redis),
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
      size: planOf(facts),
      slow,
    };
  } catch (error) {
    return { name, state: "away", code: MarrowError.is(error) ? error.code : "internal" };
  }
}

/** Plans a server for the data of this one; `undefined` if this user may not read its memory. */
function planOf({ memoryBytes }: ServerFacts) {
  if (memoryBytes === undefined) return undefined;
  const plan = planUsed(memoryBytes);
  return {
    used_bytes: plan.usedBytes,
    server_bytes: plan.serverBytes,
    total_bytes: plan.totalBytes,
    fits: nodesFor(plan.serverBytes).map(({ service, name }) => `${service} ${name}`),
  };
}

/** Returns the slowest commands by name, because their arguments may contain content. `undefined` if the user may not read them. */
async function slowestOf(redis: Redis) {
  try {
    const lines = (await redis.send(["SLOWLOG", "GET", String(SLOW_LINES)])) as readonly (readonly unknown[])[];
    return lines
      .map(([, atSeconds, us, words]) => ({
        command: String((words as readonly unknown[])[0])
          .toUpperCase()
          .slice(0, COMMAND_CHARS_MAX),
        ms: Number(us) / 1_000,
        at_ms: Number(atSeconds) * 1_000,
      }))
      .toSorted((one, other) => other.ms - one.ms)
      .slice(0, SLOW_SHOWN);
  } catch (error) {
    if (MarrowError.is(error, "redis_denied") || MarrowError.is(error, "redis_rejected")) return undefined;
    throw error;
  }
}

function toWord(value: boolean | undefined): string {
  return value === undefined ? "unknown" : value ? "yes" : "no";
}
