import { readParts, type Part } from "../relay/index.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { isEnded, noJob, readLine, type JobState } from "./job.ts";

/** An event of a job's output. `at` is the position to resume after; the reader keeps it. */
export type OutputEvent =
  | Part
  /** New progress of the job; the latest at the time of reading. */
  | { readonly kind: "progress"; readonly progress: unknown }
  /** The last event, always. */
  | { readonly kind: "ended"; readonly state: JobState; readonly reason: string | undefined };

/** Reads a job's output from a position to its end. */
export function readOutput(
  redis: ScopedRedis,
  options: {
    readonly job: string;
    readonly progress: string;
    readonly log: string;
    readonly tenant: string;
    readonly after: string | undefined;
    readonly signal: AbortSignal | undefined;
  },
): AsyncGenerator<OutputEvent> {
  const { job, progress, tenant, ...rest } = options;
  let told: string | undefined;
  return readParts<OutputEvent>(redis, {
    ...rest,
    state: ["MGET", job, progress],
    toNews(reply) {
      const [, now] = reply as readonly [string | null, string | null];
      if (now === null || now === told) return undefined;
      told = now;
      return { kind: "progress", progress: JSON.parse(now) as unknown };
    },
    toEnd(reply) {
      const [now] = reply as readonly [string | null, string | null];
      const line = now === null ? undefined : readLine(now);
      if (line?.tenant !== tenant) throw noJob();
      return isEnded(line.state) ? { kind: "ended", state: line.state, reason: line.reason } : undefined;
    },
  });
}
