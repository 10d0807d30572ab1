import type { Redis } from "./connection.ts";
import { outageOf, verdictOf } from "./failure.ts";

/** Settings and state of a server. `undefined`: the user may not read it, or the server does not report it. */
export interface ServerFacts {
  readonly role: "master" | "replica" | undefined;
  /** `maxmemory-policy`, such as `noeviction`. */
  readonly policy: string | undefined;
  /** `maxmemory` in bytes; 0: no bound. */
  readonly memoryBytesMax: number | undefined;
  readonly memoryBytes: number | undefined;
  /** Keys evicted by the policy since the server's start. */
  readonly evictedKeys: number | undefined;
  /** Whether the append-only file is on. */
  readonly aof: boolean | undefined;
  /** Whether automatic snapshots are on. */
  readonly snapshots: boolean | undefined;
  /** Whether the last snapshot or write of the append-only file failed. */
  readonly savingFailed: boolean | undefined;
}

/**
 * Reads a server's settings and state in one round trip of INFO and CONFIG GET. For a user who may run neither all are `undefined`.
 * @throws MarrowError `unavailable` or `timeout` if Redis cannot serve
 */
export async function readServerFacts(redis: Pick<Redis, "send">): Promise<ServerFacts> {
  const [info, config] = await Promise.all([
    known(redis.send(["INFO"])),
    known(redis.send(["CONFIG", "GET", "maxmemory-policy", "maxmemory", "save", "appendonly"])),
  ]);
  return toServerFacts(typeof info === "string" ? info : "", Array.isArray(config) ? config.map(String) : []);
}

/** Parses the text of INFO and the flat list of CONFIG GET; either may be empty. Pure. */
export function toServerFacts(info: string, config: readonly string[]): ServerFacts {
  const told = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
  const set = (name: string) => {
    const at = config.findIndex((word, index) => index % 2 === 0 && word === name);
    return at < 0 ? undefined : config[at + 1];
  };
  const number = (text: string | undefined) => (text === undefined || text === "" ? undefined : Number(text));
  const is = (text: string | undefined, yes: string) => (text === undefined ? undefined : text === yes);
  const role = told("role");
  const save = set("save");
  const saved = told("rdb_last_bgsave_status");
  const written = told("aof_last_write_status");
  return {
    role: role === "master" ? "master" : role === "slave" || role === "replica" ? "replica" : undefined,
    policy: set("maxmemory-policy") ?? told("maxmemory_policy"),
    memoryBytesMax: number(set("maxmemory") ?? told("maxmemory")),
    memoryBytes: number(told("used_memory")),
    evictedKeys: number(told("evicted_keys")),
    aof: is(set("appendonly"), "yes") ?? is(told("aof_enabled"), "1"),
    snapshots: save === undefined ? undefined : save.trim() !== "",
    savingFailed: saved === undefined && written === undefined ? undefined : saved === "err" || written === "err",
  };
}

/** A part of `maxmemory` from which it is time to act. */
const NEARLY_FULL = 0.9;

/** Returns warnings for an operator, most severe first. Pure. */
export function warningsOf(facts: ServerFacts): readonly string[] {
  const {
    role,
    policy = "",
    memoryBytes = 0,
    memoryBytesMax = 0,
    evictedKeys = 0,
    aof,
    snapshots,
    savingFailed,
  } = facts;
  const evicted = evictedKeys > 0 ? ` (${evictedKeys} evicted so far)` : "";
  const warnings: (string | false)[] = [
    role === "replica" && "this Redis is a read-only replica: it accepts no writes",
    policy.startsWith("allkeys-") &&
      `maxmemory-policy is ${policy}${evicted}: when memory is full, Redis evicts API keys, sessions and jobs. Use noeviction, and a second Redis for the cache (MARROW_CACHE_REDIS_URL)`,
    policy.startsWith("volatile-") &&
      `maxmemory-policy is ${policy}${evicted}: when memory is full, Redis evicts sessions, jobs and limits early. Use noeviction, and a second Redis for the cache (MARROW_CACHE_REDIS_URL)`,
    savingFailed === true &&
      "the last snapshot or write of the append-only file failed: Redis may refuse writes (MISCONF)",
    memoryBytesMax > 0 &&
      memoryBytes > NEARLY_FULL * memoryBytesMax &&
      `Redis uses ${Math.round((100 * memoryBytes) / memoryBytesMax)} % of its maxmemory`,
    aof === false &&
      snapshots === false &&
      "Redis stores nothing on disk: a restart loses API keys, sessions and jobs. Set appendonly yes",
    aof === false &&
      snapshots !== false &&
      "Redis has no append-only file: a crash loses all writes since the last snapshot. Set appendonly yes",
  ];
  return warnings.filter((warning) => warning !== false);
}

/** Returns whether the server may evict keys without a TTL; `undefined` if unknown. */
export function mayEvictAnything({ policy }: ServerFacts): boolean | undefined {
  return policy === undefined ? undefined : policy.startsWith("allkeys-");
}

async function known(reply: Promise<unknown>): Promise<unknown> {
  try {
    return await reply;
  } catch (error) {
    const verdict = verdictOf(error);
    if (verdict === "refused" || verdict === "misused" || outageOf(error) === "rights") return undefined;
    throw error;
  }
}
