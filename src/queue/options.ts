import { checkInteger, checkText, refuse } from "../internal/check.ts";
import { toListener } from "../internal/listener.ts";

/** Options of `createQueue`. */
export interface QueueOptions {
  /** Name of the queue. All tenants of an app share it and its workers. */
  readonly name: string;
  /** Jobs of one tenant that may wait for a worker or for other jobs, 1 to 10,000,000. Further ones are refused. @default 100_000 */
  readonly backlogMax?: number | undefined;
  /**
   * Partitions of the queue, each in its own cluster slot, 1 to 256; a tenant is in one of them. All queues and workers of a name must pass
   * the same number, and it must never change. @default 1
   */
  readonly partitions?: number | undefined;
  /** Time that an idempotency key is kept once its job is due, in milliseconds; never longer than the job. @default 86_400_000 (one day) */
  readonly idempotencyMs?: number | undefined;
}

/** Options of a job. */
export interface PushOptions {
  /**
   * 0 to 100. One point is worth one minute of waiting: a job overtakes jobs of its tenant that were pushed up to that many minutes
   * earlier, so no job waits forever. @default 50
   */
  readonly priority?: number | undefined;
  /** Delay in milliseconds, up to 366 days. @default 0 */
  readonly delayMs?: number | undefined;
  /** Failures after which the job is dead, 1 to 1,000. @default 3 */
  readonly attempts?: number | undefined;
  /** Worker crashes while it runs after which the job is dead, 1 to 1,000. Counted separately from `attempts`. @default 3 */
  readonly crashes?: number | undefined;
  /** Longest wait for a worker once the job is due, in milliseconds, up to 366 days; then it is dead as `expired`. @default no bound */
  readonly waitTtlMs?: number | undefined;
  /**
   * Time that the result and output are kept, in milliseconds, up to 366 days. Dead jobs are kept for at least seven days.
   * @default 3_600_000; with an idempotency key at least the queue's `idempotencyMs`
   */
  readonly resultTtlMs?: number | undefined;
  /** Time that the output is kept after the job's end, in milliseconds, at most as long as its result. @default resultTtlMs */
  readonly outputTtlMs?: number | undefined;
  /**
   * Your own id for the job: letters, digits, `_`, `-`, at most 64 characters. If a job with this id exists, nothing is pushed. @default a
   * new one
   */
  readonly id?: string | undefined;
  /** Jobs of the same tenant and queue that must be done first, at most 100. When one of them is dead or cancelled, this one is dead. */
  readonly dependsOn?: readonly string[] | undefined;
  /**
   * The first part of its webhooks' event names: `response` makes `response.completed`. With `none`, none are sent. Lower-case letters, at
   * most 32. @default "job"
   */
  readonly kind?: string | undefined;
  /**
   * Idempotency key: a repeated push with the same key returns the first job's id. It is kept for the queue's `idempotencyMs`, or until
   * that job is removed or expires. Another payload with the same key is a `conflict`.
   */
  readonly idempotencyKey?: string | undefined;
  /**
   * With an idempotency key: while the first job with the key waits, its payload is replaced by this one and its delay starts again
   * (debouncing). Once a worker has it, or it has ended, this push makes a new job with the key. @default false
   */
  readonly replace?: boolean | undefined;
  /** JSON value that is compared between pushes with the same idempotency key, instead of the payload. @default the payload */
  readonly fingerprint?: unknown;
}

/** Options of `createWorker`. */
export interface WorkerOptions<T = unknown> {
  readonly name: string;
  /** As passed to `createQueue`. @default 1 */
  readonly partitions?: number | undefined;
  /** Jobs that run at the same time, 1 to 10,000; divided among the partitions. @default 16 */
  readonly concurrency?: number | undefined;
  /** Jobs of one tenant that run at the same time over all workers; pass the same value to all workers of a queue. @default no bound */
  readonly tenantMax?: number | undefined;
  /**
   * A worker that has not renewed its leases for this long counts as dead, in milliseconds, 1,000 to one hour. @default 10_000
   */
  readonly leaseMs?: number | undefined;
  /** Longest run of a job, in milliseconds. Then it is aborted, which is a retryable failure. @default no bound */
  readonly timeoutMs?: number | undefined;
  /**
   * Time that a handler has to stop after its signal (timeout, cancelled, lease lost), in milliseconds, 0 to one hour. Then the job ends
   * without it: the attempt counts, its place is free, and a late result is dropped. @default 2_000
   */
  readonly graceMs?: number | undefined;
  /** Time that `close` lets jobs finish before it returns them to the queue, in milliseconds. @default 10_000 */
  readonly drainMs?: number | undefined;
  /**
   * Called before a job runs, for example to check a limit; a limiter's `take` fits. A refused job comes back when the refusal says, and
   * uses no attempt. An admitted job is settled with the usage that its handler reports. @default everything is admitted
   */
  readonly admit?: ((job: { readonly scope: string; readonly payload: T }) => Promise<Admission>) | undefined;
  /**
   * Called with the error of each failed attempt, as it was thrown, and with errors outside of jobs, such as an unavailable Redis or a
   * result that came too late.
   */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** The decision of a limit about a job. A limiter's decision has this shape. */
export type Admission =
  | { readonly allowed: true; readonly settle: (used: Readonly<Record<string, number>>) => Promise<unknown> }
  | { readonly allowed: false; readonly retryAfterMs?: number | undefined };

export type ResolvedQueueOptions = { readonly [Name in keyof QueueOptions]-?: Exclude<QueueOptions[Name], undefined> };
export type ResolvedPushOptions = {
  readonly [Name in Exclude<keyof PushOptions, "id" | "fingerprint" | "waitTtlMs">]-?: Exclude<
    PushOptions[Name],
    undefined
  >;
} & { readonly id: string | undefined; readonly fingerprint: unknown; readonly waitTtlMs: number | undefined };
export interface ResolvedWorkerOptions<T> {
  readonly name: string;
  readonly partitions: number;
  readonly concurrency: number;
  readonly tenantMax: number;
  readonly leaseMs: number;
  readonly timeoutMs: number | undefined;
  readonly graceMs: number;
  readonly drainMs: number;
  readonly admit: WorkerOptions<T>["admit"];
  readonly onError: (error: unknown) => void;
}

/** Default time that results are kept, in milliseconds. */
export const RESULT_TTL_MS = 3_600_000;

const YEAR_MS = 366 * 86_400_000;
const DEPENDS_MAX = 100;

/** Checks the number of partitions. @throws MarrowError `invalid_option` */
export function checkPartitions(partitions: number | undefined): number {
  return checkInteger("partitions", partitions ?? 1, { min: 1, max: 256 });
}

/** Fills defaults. @throws MarrowError `invalid_option` */
export function resolveQueueOptions(options: QueueOptions): ResolvedQueueOptions {
  return {
    name: checkText("name", options.name, 128),
    partitions: checkPartitions(options.partitions),
    backlogMax: checkInteger("backlogMax", options.backlogMax ?? 100_000, { min: 1, max: 10_000_000 }),
    idempotencyMs: checkInteger("idempotencyMs", options.idempotencyMs ?? 86_400_000, { min: 1, max: YEAR_MS }),
  };
}

/** Fills defaults. @throws MarrowError `invalid_input` */
export function resolvePushOptions(options: PushOptions): ResolvedPushOptions {
  return Object.keys(options).length === 0 ? (plain ??= resolveAll({})) : resolveAll(options);
}

/** Resolved options of a job without options, as most are. */
let plain: ResolvedPushOptions | undefined;

function resolveAll(options: PushOptions): ResolvedPushOptions {
  const integer = (name: keyof PushOptions, fallback: number, min: number, max: number) =>
    checkInteger(name, options[name] ?? fallback, { min, max }, "invalid_input");
  const { id, fingerprint, waitTtlMs, idempotencyKey, dependsOn = [], kind = "job" } = options;
  if (!Array.isArray(dependsOn) || dependsOn.length > DEPENDS_MAX)
    refuse("dependsOn", `a list of at most ${DEPENDS_MAX} ids`, dependsOn, "invalid_input");
  if (!/^[a-z]{1,32}$/.test(kind)) refuse("kind", "1 to 32 lower-case letters", kind, "invalid_input");
  const resultTtlMs = integer("resultTtlMs", RESULT_TTL_MS, 1, YEAR_MS);
  return {
    id: id === undefined ? undefined : checkJobId("id", id),
    fingerprint,
    waitTtlMs: waitTtlMs === undefined ? undefined : integer("waitTtlMs", waitTtlMs, 1, YEAR_MS),
    dependsOn: [...new Set(dependsOn.map((other, at) => checkJobId(`dependsOn.${at}`, other)))],
    kind,
    priority: integer("priority", 50, 0, 100),
    delayMs: integer("delayMs", 0, 0, YEAR_MS),
    attempts: integer("attempts", 3, 1, 1_000),
    crashes: integer("crashes", 3, 1, 1_000),
    resultTtlMs,
    outputTtlMs: integer("outputTtlMs", resultTtlMs, 1, resultTtlMs),
    replace: checkReplace(options),
    idempotencyKey:
      idempotencyKey === undefined ? "" : checkText("idempotencyKey", idempotencyKey, 256, "invalid_input"),
  };
}

function checkReplace({ replace = false, idempotencyKey }: PushOptions): boolean {
  if (typeof replace !== "boolean") refuse("replace", "true or false", replace, "invalid_input");
  if (replace && idempotencyKey === undefined)
    refuse("replace", "used with an idempotencyKey", replace, "invalid_input");
  return replace;
}

/** Fills defaults. @throws MarrowError `invalid_option` */
export function resolveWorkerOptions<T>(options: WorkerOptions<T>): ResolvedWorkerOptions<T> {
  const { timeoutMs, admit, onError = () => {} } = options;
  return {
    name: checkText("name", options.name, 128),
    partitions: checkPartitions(options.partitions),
    concurrency: checkInteger("concurrency", options.concurrency ?? 16, { min: 1, max: 10_000 }),
    tenantMax: checkInteger("tenantMax", options.tenantMax ?? 0, { min: 0, max: 1_000_000 }),
    leaseMs: checkInteger("leaseMs", options.leaseMs ?? 10_000, { min: 1_000, max: 3_600_000 }),
    timeoutMs: timeoutMs === undefined ? undefined : checkInteger("timeoutMs", timeoutMs, { min: 1, max: YEAR_MS }),
    graceMs: checkInteger("graceMs", options.graceMs ?? 2_000, { min: 0, max: 3_600_000 }),
    drainMs: checkInteger("drainMs", options.drainMs ?? 10_000, { min: 0, max: 3_600_000 }),
    admit,
    onError: toListener(onError),
  };
}

/** Checks the id of a job. @throws MarrowError `invalid_input` */
export function checkJobId(path: string, id: string): string {
  const checked = checkText(path, id, 64, "invalid_input");
  if (!/^[\w-]+$/.test(checked)) refuse(path, "the id of a job", id, "invalid_input");
  return checked;
}
