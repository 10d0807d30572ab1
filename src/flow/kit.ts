import type { FlowOptions } from "./call.ts";
import { createDigests } from "./digests.ts";
import { createRecordings, type Recordings } from "./recordings.ts";
import { createSettling, type Settling } from "./settling.ts";
import { createOrWithout, type OrWithout } from "./without.ts";

const SESSION_TURNS_DEFAULT = 40;
const DRAIN_MS_DEFAULT = 120_000;

/** What every stage of one scope's flow works with. */
export interface FlowKit extends Settling, FlowOptions {
  readonly sessionTurns: number;
  readonly drainMs: number;
  readonly onDisconnect: NonNullable<FlowOptions["onDisconnect"]>;
  /** What this process knows of sessions, so that a question can be looked up before its session is read. */
  readonly digests: ReturnType<typeof createDigests>;
  readonly orWithout: OrWithout;
  readonly recordings: Recordings;
}

/** Puts a flow's options, their defaults and what is made of them together. */
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
