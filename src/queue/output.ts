import { readParts, type Part } from "../relay/index.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { isEnded, noJob, type JobState } from "./job.ts";

/** What a job says while it runs, and that it ended. `at` is a place to go on after; it is kept by the reader. */
export type OutputEvent =
  | Part
  /** The last event, always. */
  | { readonly kind: "ended"; readonly state: JobState; readonly reason: string | undefined };

/** Reads a job's output from a place on to its end. */
export function readOutput(
  redis: ScopedRedis,
  options: {
    readonly job: string;
    readonly log: string;
    readonly tenant: string;
    readonly after: string | undefined;
    readonly signal: AbortSignal | undefined;
  },
): AsyncGenerator<OutputEvent> {
  const { job, tenant, ...rest } = options;
  return readParts<OutputEvent>(redis, {
    ...rest,
    state: ["HMGET", job, "tenant", "state", "reason"],
    toEnd(reply) {
      const [owner, state, reason] = reply as readonly (string | null)[];
      if (owner !== tenant) throw noJob();
      if (!isEnded(state ?? "")) return undefined;
      return { kind: "ended", state: state as JobState, reason: reason === null || reason === "" ? undefined : reason };
    },
  });
}
