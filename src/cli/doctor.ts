import { MarrowError } from "../errors.ts";
import { findAbsentPlan, findUnworkable, resolveConfig, type GatewayConfig } from "../gateway/operator.ts";
import { connect, readServerFacts, warningsOf, type ConnectOptions, type Redis } from "../redis/index.ts";
import { findServer, startServer } from "../redis/managed/index.ts";
import { reportEngine, type EngineChoice, type EngineReport } from "../vectors/index.ts";
import type { Given } from "./command.ts";
import { linesOfMeasured, measure, warningsOfMeasured, type Measured } from "./doctor-server.ts";
import { reachAll, type Endpoint, type Reached } from "./doctor-upstreams.ts";
import { loadConfig } from "./load-config.ts";
import { print, toVisible } from "./print.ts";
import { readSurroundings } from "./surroundings.ts";

/**
 * Runs `marrow doctor`: describes each Redis of the gateway, the enabled features, whether upstreams respond, and problems to fix. Exit
 * code 0 without warnings, 1 with warnings, or if a Redis or an upstream does not respond.
 */
export async function runDoctor(given: Given): Promise<number> {
  const { redisUrl, cacheRedisUrl, redis: how, dataDirectory, cacheDirectory, path } = readSurroundings();
  const config = resolveConfig(await loadConfig());
  const { app, engine } = config;
  quietClient();
  const binary = redisUrl === undefined ? await findServer({ path, cacheDirectory }) : undefined;
  const managed =
    binary === undefined ? undefined : await startServer({ binary: binary.path, directory: dataDirectory });
  try {
    const url = redisUrl ?? managed?.url ?? "redis://localhost:6379";
    const own = { ...(managed === undefined && how), app };
    const servers = [await examine("Redis", url, own, engine, NOTHING_IGNORED, config)];
    if (cacheRedisUrl !== undefined)
      servers.push(await examine("The cache's Redis", cacheRedisUrl, { app }, engine, OF_A_CACHE));
    const configuration = { tiers: tiersOf(config), warnings: findUnworkable(config) };
    const upstreams = await reachAll(endpointsOf(config));
    const healthy =
      servers.every(({ state, warnings }) => state === "ready" && warnings.length === 0) &&
      configuration.warnings.length === 0 &&
      upstreams.every(({ reachable }) => reachable !== false);
    print(given, { object: "doctor", healthy, servers: servers.map(toAnswer), configuration, upstreams }, () => [
      ...servers.flatMap(toLines),
      "Configuration:",
      ...Object.entries(configuration.tiers).map(toLine),
      ...configuration.warnings.map(toWarning),
      ...(upstreams.length === 0 ? [] : ["Upstreams:", ...upstreams.flatMap(toReachedLines)]),
    ]);
    return healthy ? 0 : 1;
  } finally {
    await managed?.stop();
  }
}

/** Silences the client library's warnings about facts that the doctor reports itself: missing rights, an unneeded password. */
function quietClient(): void {
  const warn = console.warn.bind(console);
  console.warn = (...told: unknown[]) => {
    if (!/^(?:\[(?:WARN|ERROR|ioredis)\]|Skipping the ready check)/.test(String(told[0]))) warn(...told);
  };
}

/** Warnings about a server to ignore. */
interface Ignored {
  readonly warning: (warning: string) => boolean;
  readonly right: (right: string) => boolean;
}

const NOTHING_IGNORED: Ignored = { warning: () => false, right: () => false };

/** A cache may be evicted, and lost; and it publishes nothing. */
const OF_A_CACHE: Ignored = {
  warning: (warning) => /^maxmemory-policy|on disk|append-only/.test(warning),
  right: (right) => /^(?:PUBSUB|PUBLISH|SUBSCRIBE)$/.test(right),
};

/** Results for one Redis. */
interface Examined {
  readonly name: string;
  readonly state: "ready" | "away";
  readonly facts: Readonly<Record<string, string | number>>;
  readonly measured?: Measured | undefined;
  readonly warnings: readonly string[];
  /** Reason why it could not be examined. */
  readonly error?: { readonly code: string; readonly message: string } | undefined;
}

async function examine(
  name: string,
  url: string,
  options: ConnectOptions,
  choice: EngineChoice,
  ignored: Ignored,
  config?: GatewayConfig,
): Promise<Examined> {
  let redis: Redis | undefined;
  try {
    redis = await connect(url, options);
    const described = await describe(redis, choice, ignored);
    const further = config === undefined ? [] : await holdAgainst(redis, config);
    return { name, state: "ready", ...described, warnings: [...described.warnings, ...further] };
  } catch (error) {
    if (!MarrowError.is(error)) throw error;
    return { name, state: "away", facts: {}, warnings: [], error: { code: error.code, message: error.message } };
  } finally {
    await redis?.close();
  }
}

/** Returns parts of the configuration that this Redis cannot support. */
async function holdAgainst(redis: Redis, config: GatewayConfig): Promise<readonly string[]> {
  const { defaultPlan, vectorStores } = config;
  const { usable } = await reportEngine(redis, config.engine);
  const isAbsent = await findAbsentPlan(redis, config);
  const warnings: (string | false)[] = [
    isAbsent &&
      `defaultPlan: there is no plan ${defaultPlan ?? ""} in the configuration or from the admin API, so it has no effect`,
    vectorStores.engine !== undefined &&
      !usable.includes(vectorStores.engine) &&
      `vectorStores.engine is ${vectorStores.engine}, which this server lacks or this user may not use (docs/engines.md)`,
  ];
  return warnings.filter((warning) => warning !== false);
}

/** Converts results to JSON, with `null` for unknown values. */
function toAnswer({ measured, ...examined }: Examined): unknown {
  if (measured === undefined) return examined;
  return {
    ...examined,
    measured: Object.fromEntries(Object.entries(measured).map(([name, of]) => [name, of ?? null])),
  };
}

function toLines({ name, facts, warnings, error }: Examined): readonly string[] {
  if (error !== undefined) return [`${name}: ${error.message} (${error.code})`];
  return [`${name}:`, ...Object.entries(facts).map(toLine), ...warnings.map(toWarning)];
}

function toLine([what, value]: readonly [string, string | number]): string {
  return toVisible(`  ${what.padEnd(18)}${value}`);
}

function toWarning(warning: string): string {
  return toVisible(`  Warning: ${warning}`);
}

function toReachedLines({ name, host, reachable, says, ms }: Reached): readonly string[] {
  if (reachable === true) return [toLine([name, `${host} answers (${says}) after ${ms} ms`])];
  if (reachable === false) return [toWarning(`${name}: ${host} cannot be reached (${says})`)];
  return [toLine([name, `${host} unknown (not checked: out of time)`])];
}

/** Describes which features of the gateway are on or off, and why. */
function tiersOf({ cache, embedder, limits, upstreams, demo, background }: GatewayConfig): Record<string, string> {
  const { enabled, semantic, preset, judge } = cache;
  const off = "off (cache.enabled is false)";
  return {
    "exact answers": enabled ? "on" : off,
    "similar answers": !enabled
      ? off
      : semantic
        ? `on (preset ${preset}, embedder ${embedder.kind})`
        : "off (cache.semantic is false)",
    judge: judge === undefined ? "off (cache.judge names no model)" : `on (${judge.model}, ${judge.mode})`,
    limits: limits.enabled ? "on" : "off (limits.enabled is false)",
    "background work": background.enabled ? "on" : "off (background.enabled is false): run marrow worker",
    models: `of ${upstreams.length} upstreams${demo.enabled ? ", and the demo model" : ""}`,
  };
}

function endpointsOf({ upstreams, embedder }: GatewayConfig): readonly Endpoint[] {
  return embedder.kind === "openai" ? [...upstreams, { name: "embedder", baseUrl: embedder.baseUrl }] : upstreams;
}

async function describe(
  redis: Redis,
  choice: EngineChoice,
  ignored: Ignored,
): Promise<Pick<Examined, "facts" | "measured" | "warnings">> {
  const { engine, version, ...abilities } = await redis.capabilities();
  const facts = await readServerFacts(redis);
  const found = await reportEngine(redis, choice);
  const all = await measure(redis);
  // Servers before version 7 do not report a user's rights.
  const says = version === undefined || Number.parseInt(version, 10) >= 7;
  const rightsMissing = says ? all.rightsMissing?.filter((right) => !ignored.right(right)) : undefined;
  const measured = { ...all, rightsMissing };
  const unknown = "unknown (the user may not read it)";
  const yesNo = (value: boolean | undefined) => (value === undefined ? unknown : value ? "yes" : "no");
  return {
    facts: {
      engine: `${engine} ${version ?? ""}`.trim(),
      role: facts.role ?? unknown,
      "maxmemory-policy": facts.policy ?? unknown,
      maxmemory: facts.memoryBytesMax === undefined ? unknown : facts.memoryBytesMax || "no bound",
      "memory in use": facts.memoryBytes ?? unknown,
      "append-only file": yesNo(facts.aof),
      snapshots: yesNo(facts.snapshots),
      "vector sets": abilities.vectorSets,
      search: abilities.search,
      functions: abilities.functions,
      cluster: abilities.cluster,
      ...linesOf(found),
      ...linesOfMeasured(measured, unknown),
    },
    measured,
    warnings: [
      ...warningsOf(facts).filter((warning) => !ignored.warning(warning)),
      ...engineWarnings(found, choice),
      ...warningsOfMeasured(measured),
    ],
  };
}

const WHY: Readonly<Record<EngineReport["why"], string>> = {
  recorded: "recorded when the installation began",
  named: "named by the configuration",
  best: "the best that this server has and this user may use; not recorded yet",
};

/** Describes the vector engine and the existing search indexes. */
function linesOf({ engine, why, usable, indexes, indexesMax }: EngineReport): Record<string, string> {
  const states = indexes.map(
    ({ name, there }) => `${name}${there === true ? "" : there ? " (could not be checked)" : " (not there)"}`,
  );
  return {
    "vectors, by role": `cache, facts, vector stores, graphs: ${engine} (${WHY[why]})`,
    "engines here": usable.join(", "),
    "search indexes": [
      `${indexes.length} of ${indexesMax}`,
      ...states,
      `${Math.max(0, indexesMax - indexes.length)} left`,
    ].join(", "),
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
      "a search index was dropped: searches miss results until the next search recreates it and the server has indexed the stored data",
    );
  if (indexes.length >= indexesMax)
    warnings.push(`no further kind of vectors can be stored: all ${indexesMax} search indexes are in use`);
  return warnings;
}
