import { MarrowError } from "../errors.ts";
import { pause } from "../internal/pause.ts";
import { allOf, type ScopedRedis } from "../redis/index.ts";
import { isEnded, noJob, type JobState } from "./job.ts";

/** What a job says while it runs, and that it ended. `at` is a place to go on after; it is kept by the reader. */
export type OutputEvent =
  | { readonly kind: "text"; readonly text: string; readonly at: string; readonly epoch: number }
  /** Another attempt began: what was read so far is void. */
  | { readonly kind: "restarted"; readonly at: string; readonly epoch: number }
  /** The last event, always. */
  | { readonly kind: "ended"; readonly state: JobState; readonly reason: string | undefined };

const LOOK_MS = { first: 25, last: 100 } as const;
const PAGE = 512;

/** Reads a job's output from a place on to its end. */
export async function* readOutput(
  redis: ScopedRedis,
  options: {
    readonly job: string;
    readonly log: string;
    readonly tenant: string;
    readonly after: string | undefined;
    readonly signal: AbortSignal | undefined;
  },
): AsyncGenerator<OutputEvent> {
  const { job, log, tenant, after, signal } = options;
  // A place is an entry's id: the fence of its attempt, and which part it is.
  const [start, known] = /^(\d{1,16})-\d{1,9}$/.exec(after ?? "0-0") ?? [];
  if (start === undefined)
    throw new MarrowError("invalid_input", "after must be a place of this output", { details: { path: "after" } });
  let last = start;
  let epoch = Number(known);
  for (let waitMs: number = LOOK_MS.first; ; waitMs = Math.min(LOOK_MS.last, waitMs * 1.5)) {
    // The state is read before the parts: whatever was written before the end is then among them.
    const [state, entries] = allOf(
      await redis.pipeline([
        ["HMGET", job, "tenant", "state", "reason"],
        ["XRANGE", log, `(${last}`, "+", "COUNT", String(PAGE)],
      ]),
    ) as unknown as readonly [readonly (string | null)[], readonly (readonly [string, readonly string[]])[]];
    if (state[0] !== tenant) throw noJob();
    for (const [id, fields] of entries) {
      last = id;
      const fence = Number(id.split("-")[0]);
      if (epoch !== fence) {
        if (epoch !== 0) yield { kind: "restarted", at: `${fence}-0`, epoch: fence };
        epoch = fence;
      }
      yield { kind: "text", text: fields[1] ?? "", at: id, epoch };
    }
    if (entries.length === PAGE) continue;
    const now = state[1] as JobState;
    if (isEnded(now)) {
      yield { kind: "ended", state: now, reason: state[2] === "" || state[2] === null ? undefined : state[2] };
      return;
    }
    if (entries.length > 0) waitMs = LOOK_MS.first;
    await pause(waitMs, signal, "the reading of a job's output");
  }
}
