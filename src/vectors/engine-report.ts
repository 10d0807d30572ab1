import { MarrowError } from "../errors.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { engineKey, usableEngines, type RedisEngine } from "./engine.ts";
import type { EngineChoice } from "./options.ts";
import { INDEXES_MAX, indexesKey } from "./search/index-of.ts";

/** The vector engine of an installation, and why it is used. */
export interface EngineReport {
  readonly engine: RedisEngine;
  /**
   * `recorded`: chosen at an earlier start; `named`: by the configuration; `best`: the first one that the server has and the user may use.
   */
  readonly why: "recorded" | "named" | "best";
  /** Engines that this server has and this user may use, best first. */
  readonly usable: readonly RedisEngine[];
  /** The installation's search indexes, and whether each exists; `unknown` if it could not be checked. */
  readonly indexes: readonly { readonly name: string; readonly there: boolean | "unknown" }[];
  readonly indexesMax: number;
}

type Connection = Pick<ScopedRedis, "app" | "send" | "capabilities">;

/** Reports which engine an installation uses, and its search indexes. Changes nothing. One round trip for each index. */
export async function reportEngine(redis: Connection, choice: EngineChoice = "auto"): Promise<EngineReport> {
  const [usable, recorded, names] = await Promise.all([
    usableEngines(redis),
    readable(redis.send(["GET", engineKey(redis.app)])),
    readable(redis.send(["SMEMBERS", indexesKey(redis.app)])),
  ]);
  const known = (["vectorset", "search", "local"] as const).find((engine) => engine === recorded);
  const [best = "local"] = usable;
  const engine = known ?? (choice === "auto" ? best : choice);
  const indexes = [...((names as readonly string[] | undefined) ?? [])].toSorted();
  return {
    engine,
    why: known !== undefined ? "recorded" : choice === "auto" ? "best" : "named",
    usable,
    indexes: await Promise.all(indexes.map(async (name) => ({ name, there: await isThere(redis, name) }))),
    indexesMax: INDEXES_MAX,
  };
}

/** Whether there is such an index: asked by a search for nothing, because lists and descriptions may be forbidden. */
async function isThere(redis: Connection, name: string): Promise<boolean | "unknown"> {
  const probe = ["FT.SEARCH", name, "(@p:{none})", "LIMIT", "0", "0", "DIALECT", "2"];
  return redis.send(probe).then(
    () => true,
    (error: unknown) => {
      if (MarrowError.is(error, "redis_rejected") || MarrowError.is(error, "unsupported")) return false;
      if (MarrowError.is(error, "redis_denied")) return "unknown";
      throw error;
    },
  );
}

async function readable(reply: Promise<unknown>): Promise<unknown> {
  return reply.catch((error: unknown) => {
    if (MarrowError.is(error, "redis_denied") || MarrowError.is(error, "redis_rejected")) return undefined;
    throw error;
  });
}
