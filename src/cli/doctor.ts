import { MarrowError } from "../errors.ts";
import { resolveConfig } from "../gateway/operator.ts";
import { connect, readServerFacts, warningsOf, type ConnectOptions, type Redis } from "../redis/index.ts";
import { findServer, startServer } from "../redis/managed/index.ts";
import { reportEngine, type EngineChoice, type EngineReport } from "../vectors/index.ts";
import type { Given } from "./command.ts";
import { loadConfig } from "./load-config.ts";
import { print } from "./print.ts";
import { readSurroundings } from "./surroundings.ts";

/**
 * `marrow doctor`: says what each Redis of the gateway is, what it can do and what should be mended. Exit code 0 without warnings, 1 with
 * some, or when a Redis does not answer.
 */
export async function runDoctor(given: Given): Promise<number> {
  const { redisUrl, cacheRedisUrl, redis: how, dataDirectory, cacheDirectory, path } = readSurroundings();
  const { app, engine } = resolveConfig(await loadConfig());
  const binary = redisUrl === undefined ? await findServer({ path, cacheDirectory }) : undefined;
  const managed =
    binary === undefined ? undefined : await startServer({ binary: binary.path, directory: dataDirectory });
  try {
    const url = redisUrl ?? managed?.url ?? "redis://localhost:6379";
    const servers = [await examine("Redis", url, { ...(managed === undefined && how), app }, engine)];
    if (cacheRedisUrl !== undefined)
      servers.push(await examine("The cache's Redis", cacheRedisUrl, { app }, engine, isOfNoConcernToACache));
    const healthy = servers.every(({ state, warnings }) => state === "ready" && warnings.length === 0);
    print(given, { object: "doctor", healthy, servers }, () => servers.flatMap(toLines));
    return healthy ? 0 : 1;
  } finally {
    await managed?.stop();
  }
}

/** A cache may be evicted, and lost. */
const isOfNoConcernToACache = (warning: string) => /^maxmemory-policy|on disk|append-only/.test(warning);

/** What was found of one Redis. */
interface Examined {
  readonly name: string;
  readonly state: "ready" | "away";
  readonly facts: Readonly<Record<string, string | number>>;
  readonly warnings: readonly string[];
  /** Why it could not be examined. */
  readonly error?: { readonly code: string; readonly message: string } | undefined;
}

async function examine(
  name: string,
  url: string,
  options: ConnectOptions,
  choice: EngineChoice,
  ignores: (warning: string) => boolean = () => false,
): Promise<Examined> {
  let redis: Redis | undefined;
  try {
    redis = await connect(url, options);
    return { name, state: "ready", ...(await describe(redis, choice, ignores)) };
  } catch (error) {
    if (!MarrowError.is(error)) throw error;
    return { name, state: "away", facts: {}, warnings: [], error: { code: error.code, message: error.message } };
  } finally {
    await redis?.close();
  }
}

function toLines({ name, facts, warnings, error }: Examined): readonly string[] {
  if (error !== undefined) return [`${name}: ${error.message} (${error.code})`];
  return [
    `${name}:`,
    ...Object.entries(facts).map(([what, value]) => `  ${what.padEnd(18)}${value}`),
    ...warnings.map((warning) => `  Warning: ${warning}`),
  ];
}

async function describe(
  redis: Redis,
  choice: EngineChoice,
  ignores: (warning: string) => boolean,
): Promise<Pick<Examined, "facts" | "warnings">> {
  const { engine, version, ...abilities } = await redis.capabilities();
  const facts = await readServerFacts(redis);
  const found = await reportEngine(redis, choice);
  const unknown = "unknown (the user may not ask)";
  const yesNo = (value: boolean | undefined) => (value === undefined ? unknown : value ? "yes" : "no");
  return {
    facts: {
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
    },
    warnings: [...warningsOf(facts).filter((warning) => !ignores(warning)), ...engineWarnings(found, choice)],
  };
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
