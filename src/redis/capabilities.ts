import { outageOf, verdictOf } from "./failure.ts";

/** Availability of one feature. `unknown` if the user may not find out. */
export type Ability = "yes" | "no" | "unknown";

/** Features of the server behind a connection. */
export interface Capabilities {
  /** Engine as the server reports it: `redis`, `valkey`, or `unknown` if INFO is forbidden. */
  readonly engine: "redis" | "valkey" | "unknown";
  /** Version, such as `8.0.2`; absent if INFO is forbidden. */
  readonly version?: string | undefined;
  /** Vector sets: VADD, VSIM. */
  readonly vectorSets: Ability;
  /** The search commands: FT.SEARCH. */
  readonly search: Ability;
  /** XACKDEL and XDELEX. */
  readonly streamAckDelete: Ability;
  /** FUNCTION and FCALL. */
  readonly functions: Ability;
  /** Whether the server is part of a cluster. */
  readonly cluster: Ability;
}

/**
 * Detects the server's features, in one round trip of INFO and COMMAND INFO. For a user who may run neither they are `unknown`; only a
 * failed connection throws.
 */
export async function probeCapabilities(send: (command: readonly string[]) => Promise<unknown>): Promise<Capabilities> {
  const [info, commands] = await Promise.all([
    known(send(["INFO"])),
    known(send(["COMMAND", "INFO", "VSIM", "FT.SEARCH", "XACKDEL", "FCALL"])),
  ]);
  const text = typeof info === "string" ? info : "";
  const has = (index: number): Ability => {
    if (!Array.isArray(commands)) return "unknown";
    const row: unknown = commands[index];
    return Array.isArray(row) && row.length > 0 ? "yes" : "no";
  };
  const valkey = /^valkey_version:(\S+)/m.exec(text)?.[1];
  const redis = /^redis_version:(\S+)/m.exec(text)?.[1];
  const mode = /^cluster_enabled:(\d)/m.exec(text)?.[1];
  return {
    engine: valkey !== undefined ? "valkey" : redis !== undefined ? "redis" : "unknown",
    version: valkey ?? redis,
    vectorSets: has(0),
    search: has(1),
    streamAckDelete: has(2),
    functions: has(3),
    cluster: mode === undefined ? "unknown" : mode === "1" ? "yes" : "no",
  };
}

async function known(reply: Promise<unknown>): Promise<unknown> {
  try {
    return await reply;
  } catch (error) {
    const verdict = verdictOf(error);
    if (verdict === "refused" || verdict === "misused" || outageOf(error) === "rights") return null;
    throw error;
  }
}
