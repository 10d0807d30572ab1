import { checkInteger, checkText } from "../internal/check.ts";

/** Options of `createQueue`. */
export interface QueueOptions {
  /** Name of the queue; all tenants of an app share it, and its workers. */
  readonly name: string;
  /** Jobs of one tenant that may wait, 1 to 10,000,000. Further ones are refused. @default 100_000 */
  readonly backlogMax?: number | undefined;
  /** How long an idempotency key is known, in milliseconds. @default 86_400_000 (one day) */
  readonly idempotencyMs?: number | undefined;
}

/** How one job is done. */
export interface PushOptions {
  /** 0 to 100; dearer ones of a tenant are done first. @default 50 */
  readonly priority?: number | undefined;
  /** Not before so many milliseconds from now, up to 366 days. @default 0 */
  readonly delayMs?: number | undefined;
  /** How often it may fail before it is dead, 1 to 1,000. @default 3 */
  readonly attempts?: number | undefined;
  /** How often its worker may die with it before it is dead, 1 to 1,000: apart from `attempts`. @default 3 */
  readonly crashes?: number | undefined;
  /** How long its result and its stream are kept, in milliseconds, up to 366 days. Dead ones stay seven days at least. @default 3_600_000 */
  readonly resultTtlMs?: number | undefined;
  /** The same key gives the first job, its result and its stream; with another payload it is a `conflict`. */
  readonly idempotencyKey?: string | undefined;
}

/** Options of `createWorker`. */
export interface WorkerOptions {
  readonly name: string;
  /** Jobs at the same time, 1 to 10,000. @default 16 */
  readonly concurrency?: number | undefined;
  /** Jobs of one tenant at the same time over all workers; all workers of a queue say the same. @default any number */
  readonly tenantMax?: number | undefined;
  /** After how long without a word a worker counts as dead, in milliseconds, 1,000 to one hour. @default 10_000 */
  readonly leaseMs?: number | undefined;
  /** How long a job may take before it is aborted, in milliseconds; that is a failure that may be tried again. @default no bound */
  readonly timeoutMs?: number | undefined;
  /** How long `close` lets jobs finish before it hands them back, in milliseconds. @default 10_000 */
  readonly drainMs?: number | undefined;
  /** Hears what went wrong beside the jobs: Redis was away, a result came too late. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

export type ResolvedQueueOptions = { readonly [Name in keyof QueueOptions]-?: Exclude<QueueOptions[Name], undefined> };
export type ResolvedPushOptions = {
  readonly [Name in Exclude<keyof PushOptions, "idempotencyKey">]-?: Exclude<PushOptions[Name], undefined>;
} & { readonly idempotencyKey: string };
export interface ResolvedWorkerOptions {
  readonly name: string;
  readonly concurrency: number;
  readonly tenantMax: number;
  readonly leaseMs: number;
  readonly timeoutMs: number | undefined;
  readonly drainMs: number;
  readonly onError: (error: unknown) => void;
}

const YEAR_MS = 366 * 86_400_000;

/** Fills defaults. @throws MarrowError `invalid_option` */
export function resolveQueueOptions(options: QueueOptions): ResolvedQueueOptions {
  return {
    name: checkText("name", options.name, 128),
    backlogMax: checkInteger("backlogMax", options.backlogMax ?? 100_000, { min: 1, max: 10_000_000 }),
    idempotencyMs: checkInteger("idempotencyMs", options.idempotencyMs ?? 86_400_000, { min: 1, max: YEAR_MS }),
  };
}

/** Fills defaults. @throws MarrowError `invalid_input` */
export function resolvePushOptions(options: PushOptions): ResolvedPushOptions {
  const integer = (name: keyof PushOptions, fallback: number, min: number, max: number) =>
    checkInteger(name, options[name] ?? fallback, { min, max }, "invalid_input");
  const { idempotencyKey } = options;
  return {
    priority: integer("priority", 50, 0, 100),
    delayMs: integer("delayMs", 0, 0, YEAR_MS),
    attempts: integer("attempts", 3, 1, 1_000),
    crashes: integer("crashes", 3, 1, 1_000),
    resultTtlMs: integer("resultTtlMs", 3_600_000, 1, YEAR_MS),
    idempotencyKey:
      idempotencyKey === undefined ? "" : checkText("idempotencyKey", idempotencyKey, 256, "invalid_input"),
  };
}

/** Fills defaults. @throws MarrowError `invalid_option` */
export function resolveWorkerOptions(options: WorkerOptions): ResolvedWorkerOptions {
  const { timeoutMs, onError = () => {} } = options;
  return {
    name: checkText("name", options.name, 128),
    concurrency: checkInteger("concurrency", options.concurrency ?? 16, { min: 1, max: 10_000 }),
    tenantMax: checkInteger("tenantMax", options.tenantMax ?? 0, { min: 0, max: 1_000_000 }),
    leaseMs: checkInteger("leaseMs", options.leaseMs ?? 10_000, { min: 1_000, max: 3_600_000 }),
    timeoutMs: timeoutMs === undefined ? undefined : checkInteger("timeoutMs", timeoutMs, { min: 1, max: YEAR_MS }),
    drainMs: checkInteger("drainMs", options.drainMs ?? 10_000, { min: 0, max: 3_600_000 }),
    onError,
  };
}
