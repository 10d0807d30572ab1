import { readParts, type Part } from "../relay/index.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { isEnded, noJob, readLine, type JobState } from "./job.ts";

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
    state: ["GET", job],
    toEnd(reply) {
      const line = reply === null ? undefined : readLine(String(reply));
      if (line?.tenant !== tenant) throw noJob();
      return isEnded(line.state) ? { kind: "ended", state: line.state, reason: line.reason } : undefined;
    },
  });
}
