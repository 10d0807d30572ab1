import { MarrowError } from "../errors.ts";
import { resolveConfig } from "../gateway/index.ts";
import { connect, readServerFacts, warningsOf, type ConnectOptions, type Redis } from "../redis/index.ts";
import { findServer, startServer } from "../redis/managed/index.ts";
import { reportEngine, type EngineChoice, type EngineReport } from "../vectors/index.ts";
import { loadConfig } from "./load-config.ts";
import { readSurroundings } from "./surroundings.ts";

/**
 * `marrow doctor`: says what each Redis of the gateway is, what it can do and what should be mended. Exit code 0 without warnings, 1 with
 * some, or when a Redis does not answer.
 */
export async function runDoctor(): Promise<number> {
  const { redisUrl, cacheRedisUrl, redis: how, dataDirectory, cacheDirectory, path } = readSurroundings();
  const { app, engine } = resolveConfig(await loadConfig());
  const binary = redisUrl === undefined ? await findServer({ path, cacheDirectory }) : undefined;
  const managed =
    binary === undefined ? undefined : await startServer({ binary: binary.path, directory: dataDirectory });
  try {
    const url = redisUrl ?? managed?.url ?? "redis://localhost:6379";
    let healthy = await examine("Redis", url, { ...(managed === undefined && how), app }, engine);
    if (cacheRedisUrl !== undefined) {
      const cache = await examine("The cache's Redis", cacheRedisUrl, { app }, engine, isOfNoConcernToACache);
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
  choice: EngineChoice,
  ignores: (warning: string) => boolean = () => false,
): Promise<boolean> {
  let redis: Redis | undefined;
  try {
    redis = await connect(url, options);
    return await describe(name, redis, choice, ignores);
  } catch (error) {
    if (!MarrowError.is(error)) throw error;
    console.log(`${name}: ${error.message} (${error.code})`);
    return false;
  } finally {
    await redis?.close();
  }
}

async function describe(
  name: string,
  redis: Redis,
  choice: EngineChoice,
  ignores: (warning: string) => boolean,
): Promise<boolean> {
  const { engine, version, ...abilities } = await redis.capabilities();
  const facts = await readServerFacts(redis);
  const found = await reportEngine(redis, choice);
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
    ...linesOf(found),
  };
  console.log(`${name}:`);
  for (const [what, value] of Object.entries(lines)) console.log(`  ${what.padEnd(18)}${value}`);
  const warnings = [...warningsOf(facts).filter((warning) => !ignores(warning)), ...engineWarnings(found, choice)];
  for (const warning of warnings) console.log(`  Warning: ${warning}`);
  return warnings.length === 0;
}

const WHY: Readonly<Record<EngineReport["why"], string>> = {
  recorded: "recorded when the installation began",
  named: "named by the configuration",
  best: "the best of what this server has and this user may use; nothing is recorded yet",
};

/** What finds neighbours for the roles, and the search indexes that there are. */
function linesOf({ engine, why, usable, indexes, indexesMax }: EngineReport): Record<string, string> {
  const states = indexes.map(
    ({ name, there }) => `${name}${there === true ? "" : there ? " (may not be asked)" : " (not there)"}`,
  );
  return {
    "vectors, by role": `cache, facts, vector stores, graphs: ${engine} (${WHY[why]})`,
    "engines here": usable.join(", "),
    "search indexes": [`${indexes.length} of ${indexesMax}`, ...states].join(", "),
  };
}

function engineWarnings({ engine, usable, why, indexes, indexesMax }: EngineReport, choice: EngineChoice): string[] {
  const warnings: string[] = [];
  if (!usable.includes(engine))
    warnings.push(
      `vectors are kept by the engine ${engine}, which this server lacks or this user may not use (docs/engines.md)`,
    );
  if (why === "recorded" && choice !== "auto" && choice !== engine)
    warnings.push(
      `engine is ${choice}, and ${engine} is recorded: the gateway does not start so (docs/engines.md, moving)`,
    );
  if (engine === "search" && indexes.some(({ there }) => there === false))
    warnings.push(
      "a search index was dropped: searches find little until one has made it anew and the server has read what is stored",
    );
  if (indexes.length >= indexesMax)
    warnings.push(`no further kind of vectors can be stored: ${indexesMax} search indexes are made`);
  return warnings;
}
