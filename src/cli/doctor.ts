import { MarrowError } from "../errors.ts";
import { resolveConfig } from "../gateway/index.ts";
import { connect, readServerFacts, warningsOf, type ConnectOptions, type Redis } from "../redis/index.ts";
import { findServer, startServer } from "../redis/managed/index.ts";
import { loadConfig } from "./load-config.ts";
import { readSurroundings } from "./surroundings.ts";

/**
 * `marrow doctor`: says what each Redis of the gateway is, what it can do and what should be mended. Exit code 0 without warnings, 1 with
 * some, or when a Redis does not answer.
 */
export async function runDoctor(): Promise<number> {
  const { redisUrl, cacheRedisUrl, redis: how, dataDirectory, cacheDirectory, path } = readSurroundings();
  const { app } = resolveConfig(await loadConfig());
  const binary = redisUrl === undefined ? await findServer({ path, cacheDirectory }) : undefined;
  const managed =
    binary === undefined ? undefined : await startServer({ binary: binary.path, directory: dataDirectory });
  try {
    const url = redisUrl ?? managed?.url ?? "redis://localhost:6379";
    let healthy = await examine("Redis", url, { ...(managed === undefined && how), app });
    if (cacheRedisUrl !== undefined) {
      const cache = await examine("The cache's Redis", cacheRedisUrl, { app }, isOfNoConcernToACache);
      healthy = cache && healthy;
    }
    return healthy ? 0 : 1;
  } finally {
    await managed?.stop();
  }
}

/** A cache may be evicted, and lost. */
const isOfNoConcernToACache = (warning: string) => /^maxmemory-policy|on disk|append-only/.test(warning);

async function examine(
  name: string,
  url: string,
  options: ConnectOptions,
  ignores: (warning: string) => boolean = () => false,
): Promise<boolean> {
  let redis: Redis | undefined;
  try {
    redis = await connect(url, options);
    return await describe(name, redis, ignores);
  } catch (error) {
    if (!MarrowError.is(error)) throw error;
    console.log(`${name}: ${error.message} (${error.code})`);
    return false;
  } finally {
    await redis?.close();
  }
}

async function describe(name: string, redis: Redis, ignores: (warning: string) => boolean): Promise<boolean> {
  const { engine, version, ...abilities } = await redis.capabilities();
  const facts = await readServerFacts(redis);
  const unknown = "unknown (the user may not ask)";
  const yesNo = (value: boolean | undefined) => (value === undefined ? unknown : value ? "yes" : "no");
  const lines = {
    engine: `${engine} ${version ?? ""}`.trim(),
    role: facts.role ?? unknown,
    "maxmemory-policy": facts.policy ?? unknown,
    maxmemory: facts.memoryBytesMax === undefined ? unknown : facts.memoryBytesMax || "no bound",
    "append-only file": yesNo(facts.aof),
    snapshots: yesNo(facts.snapshots),
    "vector sets": abilities.vectorSets,
    search: abilities.search,
    functions: abilities.functions,
    cluster: abilities.cluster,
  };
  console.log(`${name}:`);
  for (const [what, value] of Object.entries(lines)) console.log(`  ${what.padEnd(18)}${value}`);
  const warnings = warningsOf(facts).filter((warning) => !ignores(warning));
  for (const warning of warnings) console.log(`  Warning: ${warning}`);
  return warnings.length === 0;
}
