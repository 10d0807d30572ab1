import type { FlowOptions } from "./call.ts";
import { createDigests } from "./digests.ts";
import { createRecordings, type Recordings } from "./recordings.ts";
import { createSettling, type Settling } from "./settling.ts";
import { createOrWithout, type OrWithout } from "./without.ts";

const SESSION_TURNS_DEFAULT = 40;
const DRAIN_MS_DEFAULT = 120_000;

/** Shared dependencies of all stages of one scope's flow. */
export interface FlowKit extends Settling, FlowOptions {
  readonly sessionTurns: number;
  readonly drainMs: number;
  readonly onDisconnect: NonNullable<FlowOptions["onDisconnect"]>;
  /** Cached session turns of this process, for a lookup before the session is read. */
  readonly digests: ReturnType<typeof createDigests>;
  readonly orWithout: OrWithout;
  readonly recordings: Recordings;
}

/** Combines a flow's options with their defaults and derived functions. */
export function createKit(options: FlowOptions): FlowKit {
  const { sessionTurns = SESSION_TURNS_DEFAULT, drainMs = DRAIN_MS_DEFAULT, onDisconnect = "finish" } = options;
  const { onDegraded = () => {} } = options;
  return {
    ...options,
    ...createSettling(options),
    sessionTurns,
    drainMs,
    onDisconnect,
    digests: createDigests(),
    orWithout: createOrWithout(onDegraded),
    recordings: options.recordings ?? createRecordings(),
  };
}
