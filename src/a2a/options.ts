import { toListener } from "../internal/listener.ts";
import { checkInteger, checkText } from "../internal/check.ts";
import { encodeKeyPart, keyTag, type ScopedRedis } from "../redis/index.ts";
import type { PosterOptions } from "../webhooks/index.ts";

/** Options of `createA2A`. */
export interface A2AOptions {
  /** The agent's name: tasks of different agents are kept apart. */
  readonly name: string;
  /** How long a task is kept after its last change, in milliseconds, up to 366 days. @default 604_800_000 (seven days) */
  readonly taskTtlMs?: number | undefined;
  /** How long events are kept for who follows, in milliseconds. @default 3_600_000 */
  readonly eventTtlMs?: number | undefined;
  /** Tasks of one owner, 1 to 1,000,000; the oldest go. @default 10_000 */
  readonly tasksMax?: number | undefined;
  /** After how long without a word a process counts as dead, in milliseconds, 1,000 to 600,000. @default 10_000 */
  readonly leaseMs?: number | undefined;
  /**
   * Whether a task whose process died is executed anew by another one, from its last message. For executors that may be run again.
   * @default false: such a task fails
   */
  readonly resume?: boolean | undefined;
  /** Where push notifications may go beside public addresses over https. */
  readonly push?: PosterOptions | undefined;
  /** Hears what went wrong in the background. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

export interface ResolvedA2AOptions {
  readonly start: string;
  readonly queue: string;
  readonly taskTtlMs: number;
  readonly eventTtlMs: number;
  readonly tasksMax: number;
  readonly leaseMs: number;
  readonly resume: boolean;
  readonly push: PosterOptions;
  readonly onError: (error: unknown) => void;
}

const YEAR_MS = 366 * 86_400_000;

/** Fills defaults. @throws MarrowError `invalid_option` */
export function resolveA2AOptions(redis: ScopedRedis, options: A2AOptions): ResolvedA2AOptions {
  const name = checkText("name", options.name, 128);
  const { taskTtlMs = 604_800_000, eventTtlMs = 3_600_000, tasksMax = 10_000, leaseMs = 10_000 } = options;
  return {
    start: `${keyTag(redis, ["a2a", name])}:a2a`,
    queue: `a2a-push:${encodeKeyPart("name", name)}`,
    taskTtlMs: checkInteger("taskTtlMs", taskTtlMs, { min: 1, max: YEAR_MS }),
    eventTtlMs: checkInteger("eventTtlMs", eventTtlMs, { min: 1, max: YEAR_MS }),
    tasksMax: checkInteger("tasksMax", tasksMax, { min: 1, max: 1_000_000 }),
    leaseMs: checkInteger("leaseMs", leaseMs, { min: 1_000, max: 600_000 }),
    resume: options.resume ?? false,
    push: options.push ?? {},
    onError: toListener(options.onError ?? (() => {})),
  };
}
