import type { Piscina } from "piscina";
import { MarrowError } from "../errors.ts";
import { createPermits, type Permit } from "./permits.ts";

/** Worker threads for one kind of task. None is started before the first task. Owners whose tasks wait take turns. */
export interface Threads<T, R> {
  /**
   * Does a task of an owner, such as a scope, in a thread; `transfer`: buffers that move there, and are empty here afterwards. `signal` ends the
   * wait and the work.
   * @throws MarrowError `rate_limited` when too many tasks wait, `aborted`
   */
  run(
    owner: string,
    task: T,
    how?: { readonly transfer?: readonly ArrayBuffer[]; readonly signal?: AbortSignal },
  ): Promise<R>;
}

/** Options of a thread pool. */
export interface ThreadsOptions {
  /**
   * The module of the function that runs a task, without extension, such as `new URL("./chunk-worker", import.meta.url)`, and the
   * function's name.
   */
  readonly module: URL;
  readonly name: string;
  /** Name of the tasks in messages, in the plural. */
  readonly tasks: string;
  readonly threadsMax: number;
  /** Most waiting tasks; further ones are refused, first those of the owner with the most. */
  readonly waitingMax: number;
  /** Time after which an idle thread ends, in milliseconds. */
  readonly idleMs: number;
}

const RETRY_AFTER_MS = 2_000;

/** Makes the threads for one kind of task. */
export function createThreads<T, R>(options: ThreadsOptions): Threads<T, R> {
  const { tasks, threadsMax, waitingMax } = options;
  const permits = createPermits({
    max: threadsMax,
    // Tasks are short. Where there are several threads, one owner's tasks leave one of them to the others all the same.
    eachMax: Math.max(1, threadsMax - 1),
    waitingMax,
    refusal: () =>
      new MarrowError("rate_limited", `${waitingMax} ${tasks} already wait for a worker thread; try again shortly`, {
        details: { retryAfterMs: RETRY_AFTER_MS },
      }),
  });
  let pool: Promise<Piscina<T, R>> | undefined;
  return {
    async run(owner, task, { transfer = [], signal } = {}) {
      let leave: Permit | undefined;
      try {
        leave = await permits.take(1, Infinity, { owner, signal });
        const threads = await (pool ??= open<T, R>(options));
        return await threads.run(task, { transferList: [...transfer], signal: signal ?? null });
      } catch (cause) {
        if (signal?.aborted === true)
          throw new MarrowError("aborted", "the task in a worker thread was aborted", { cause });
        throw cause;
      } finally {
        leave?.();
      }
    },
  };
}

async function open<T, R>({ module, name, threadsMax, idleMs }: ThreadsOptions): Promise<Piscina<T, R>> {
  const { Piscina: Pool } = await import("piscina");
  // In development the TypeScript sources run; the published package has JavaScript.
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new Pool<T, R>({
    name,
    filename: `${module.href}.${extension}`,
    minThreads: 0,
    maxThreads: threadsMax,
    idleTimeout: idleMs,
    recordTiming: false,
  });
}
