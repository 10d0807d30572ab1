import { MarrowError } from "../errors.ts";
import { encodeKeyPart, type Capabilities, type ScopedRedis } from "../redis/index.ts";
import type { EngineChoice } from "./options.ts";

/** An engine whose vectors are stored in Redis. The server must have its commands; `local` needs none beyond Redis 7. */
export type RedisEngine = Exclude<EngineChoice, "auto">;

type Connection = Pick<ScopedRedis, "app" | "send" | "capabilities">;

/** All engines, best first: vector sets of the server, indexes of its search commands, and a search in this process without an index. */
const ENGINES: readonly RedisEngine[] = ["vectorset", "search", "local"];
const NEEDS: Readonly<Record<RedisEngine, string>> = {
  vectorset: "vector sets (VSIM)",
  search: "search commands (FT.SEARCH)",
  local: "nothing",
};

/** Interval at which a connection in use checks that the record still exists. */
const RECORD_AGAIN_MS = 5_000;

/** The decision for a connection, and when the record was last checked. */
interface Decided {
  readonly engine: Promise<RedisEngine>;
  lookedMs: number;
}

const known = new WeakMap<ScopedRedis["send"], Decided>();

/** Returns the key of an installation's engine record. */
export function engineKey(app: string): string {
  return `{${encodeKeyPart("app", app)}}:vectors:engine`;
}

/**
 * Decides the engine of an installation: the recorded one, or else the best that the server has, which is then recorded.
 *
 * All processes therefore use the same engine, even after the server is replaced by one with more features. A named choice is recorded too,
 * and must equal the record. Decided once per connection: one round trip, two without a record. Later calls restore, in the background, a
 * record that was lost with the server's data.
 * @throws MarrowError `unsupported` if the server does not have the engine, `conflict` if another one is recorded
 */
export function decideEngine(redis: Connection, choice: EngineChoice = "auto"): Promise<RedisEngine> {
  const found = choice === "auto" ? known.get(redis.send) : undefined;
  if (found !== undefined) {
    void keepRecord(redis, found);
    return found.engine;
  }
  const decided: Decided = { engine: decide(redis, choice), lookedMs: performance.now() };
  known.set(redis.send, decided);
  // Redis may have been away, and an operator may change the record.
  decided.engine.catch(() => known.delete(redis.send));
  return decided.engine;
}

async function keepRecord(redis: Connection, decided: Decided): Promise<void> {
  const nowMs = performance.now();
  if (nowMs - decided.lookedMs < RECORD_AGAIN_MS) return;
  decided.lookedMs = nowMs;
  try {
    await redis.send(["SET", engineKey(redis.app), await decided.engine, "NX"]);
  } catch {
    // Without rights to it, or while Redis is away, there is nothing to keep.
  }
}

/**
 * Refuses an engine, chosen for one collection, that the server does not have. One round trip on a connection's first use.
 * @throws MarrowError `unsupported`
 */
export async function requireEngine(redis: Connection, engine: RedisEngine): Promise<void> {
  if (engine === "local") return;
  const capabilities = await redis.capabilities();
  const ability = abilityFor(engine, capabilities);
  if (ability === "yes") return;
  // Missing rights, or an unavailable server, are reported by the actual call.
  if (ability === "unknown" && !MarrowError.is(await refusalOf(redis, engine), "unsupported")) return;
  throw missing(engine, capabilities, LEAVE_AT_AUTO);
}

const LEAVE_AT_AUTO = "leave engine at auto, which takes one that the server has";

async function decide(redis: Connection, choice: EngineChoice): Promise<RedisEngine> {
  const key = engineKey(redis.app);
  const [capabilities, recorded] = await Promise.all([redis.capabilities(), recordedAt(redis, ["GET", key])]);
  const check = async (engine: RedisEngine): Promise<RedisEngine> => {
    if (choice !== "auto" && choice !== engine) throw another(choice, engine, key);
    if (await has(redis, capabilities, engine)) return engine;
    throw missing(
      engine,
      capabilities,
      `it is recorded in ${key}; set that key to another engine and restart all processes to begin anew with that`,
    );
  };
  if (recorded !== undefined) return check(recorded);
  const best = (await firstThat(ENGINES, (engine) => mayUse(redis, capabilities, engine))) ?? "local";
  const wanted = choice === "auto" ? best : choice;
  if (!(await has(redis, capabilities, wanted))) throw missing(wanted, capabilities, LEAVE_AT_AUTO);
  const other = await recordedAt(redis, ["SET", key, wanted, "NX", "GET"]);
  return other === undefined ? wanted : check(other);
}

/** Returns the engines that a server has and the user may use, best first. */
export async function usableEngines(redis: Connection): Promise<RedisEngine[]> {
  const capabilities = await redis.capabilities();
  const may = await Promise.all(ENGINES.map((engine) => mayUse(redis, capabilities, engine)));
  return ENGINES.filter((_, at) => may[at]);
}

function another(wanted: RedisEngine, recorded: RedisEngine, key: string): MarrowError {
  return new MarrowError(
    "conflict",
    `engine is ${wanted}, and the vectors of this installation are kept by ${recorded} (${key}): what one engine stored the other ` +
      `does not see. Move collections with createMigration, then set that key to ${wanted}; or leave engine at auto`,
    { details: { path: "engine", wanted, recorded } },
  );
}

/** Returns the recorded engine. A user who may not read it works without a record. */
async function recordedAt(redis: Connection, command: readonly string[]): Promise<RedisEngine | undefined> {
  const reply = await redis.send(command).catch((error: unknown) => {
    if (MarrowError.is(error, "redis_denied")) return null;
    throw error;
  });
  if (reply === null) return undefined;
  const recorded = ENGINES.find((engine) => engine === reply);
  if (recorded !== undefined) return recorded;
  throw new MarrowError(
    "unsupported",
    `${engineKey(redis.app)} records an engine that this version does not know: use the version that wrote it, or stop all processes and delete that key to begin anew`,
  );
}

/** Builds the error for a missing engine, with the commands, the server and the remedy. */
export function missing(engine: RedisEngine, { engine: server, version }: Capabilities, why: string): MarrowError {
  return new MarrowError(
    "unsupported",
    `the engine ${engine} needs ${NEEDS[engine]}, and this server (${server} ${version ?? "of unknown version"}) has none: ${why}, ` +
      "or use a server that has them (docs/engines.md)",
    { details: { engine, server, version } },
  );
}

/** Whether a server has an engine. Where it may not be asked for its commands, one is tried. */
async function has(redis: Connection, capabilities: Capabilities, engine: RedisEngine): Promise<boolean> {
  if (engine === "local") return true;
  const ability = abilityFor(engine, capabilities);
  if (ability !== "unknown") return ability === "yes";
  const refusal = await refusalOf(redis, engine);
  if (refusal === undefined) return true;
  if (MarrowError.is(refusal, "redis_denied") || MarrowError.is(refusal, "unsupported")) return false;
  throw refusal;
}

/** Checks whether this user may use an engine by running one of its commands, because the server does not list rights with commands. */
async function mayUse(redis: Connection, capabilities: Capabilities, engine: RedisEngine): Promise<boolean> {
  if (!(await has(redis, capabilities, engine))) return false;
  if (engine === "local" || abilityFor(engine, capabilities) === "unknown") return true;
  const refusal = await refusalOf(redis, engine);
  if (refusal === undefined || MarrowError.is(refusal, "unsupported")) return true;
  if (MarrowError.is(refusal, "redis_denied")) return false;
  throw refusal;
}

const abilityFor = (engine: Exclude<RedisEngine, "local">, { vectorSets, search }: Capabilities) =>
  engine === "vectorset" ? vectorSets : search;

/** Returns the error of an empty search. If the server runs it, there is no error, or the index does not exist. */
async function refusalOf(redis: Connection, engine: Exclude<RedisEngine, "local">): Promise<unknown> {
  const probe = `${engineKey(redis.app)}:probe`;
  const command = engine === "vectorset" ? ["VSIM", probe, "ELE", "none"] : ["FT.SEARCH", probe, "*"];
  return redis.send(command).then(
    () => undefined,
    (error: unknown) => (MarrowError.is(error, "redis_rejected") ? undefined : error),
  );
}

async function firstThat<T>(list: readonly T[], holds: (one: T) => Promise<boolean>): Promise<T | undefined> {
  for (const one of list) if (await holds(one)) return one;
  return undefined;
}
