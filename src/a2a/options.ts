import { toListener } from "../internal/listener.ts";
import { checkInteger, checkText } from "../internal/check.ts";
import { encodeKeyPart, keyTag, type ScopedRedis } from "../redis/index.ts";
import type { PosterOptions } from "../webhooks/index.ts";

/** Options of `createA2A`. */
export interface A2AOptions {
  /** The agent's name. Tasks of different agents are separate. */
  readonly name: string;
  /** Time that a task is kept after its last change, in milliseconds, up to 366 days. @default 604_800_000 (seven days) */
  readonly taskTtlMs?: number | undefined;
  /** Time that events are kept for clients that follow a task, in milliseconds. @default 3_600_000 */
  readonly eventTtlMs?: number | undefined;
  /** Tasks kept for one owner, 1 to 1,000,000. Beyond it the oldest are deleted. @default 10_000 */
  readonly tasksMax?: number | undefined;
  /**
   * A process that has not renewed its lease for this long counts as dead, in milliseconds, 1,000 to 600,000. @default 10_000
   */
  readonly leaseMs?: number | undefined;
  /**
   * Whether another process executes a task again, from its last message, if its process died. Only for executors that may run twice.
   * @default false: such a task fails
   */
  readonly resume?: boolean | undefined;
  /** Addresses for push notifications, in addition to public ones over https. */
  readonly push?: PosterOptions | undefined;
  /** Called with each error of work in the background. */
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
