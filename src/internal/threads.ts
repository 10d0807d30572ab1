import type { Piscina } from "piscina";
import { MarrowError } from "../errors.ts";

/** Worker threads for one kind of task. None is started before the first task. */
export interface Threads<T, R> {
  /**
   * Does a task in a thread; `transfer`: buffers that move there, and are empty here afterwards. `signal` ends the wait and the work.
   * @throws MarrowError `rate_limited` when too many tasks wait, `aborted`
   */
  run(task: T, how?: { readonly transfer?: readonly ArrayBuffer[]; readonly signal?: AbortSignal }): Promise<R>;
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
  /** Most waiting tasks; further ones are refused. */
  readonly waitingMax: number;
  /** Time after which an idle thread ends, in milliseconds. */
  readonly idleMs: number;
}

const RETRY_AFTER_MS = 2_000;

/** Makes the threads for one kind of task. */
export function createThreads<T, R>(options: ThreadsOptions): Threads<T, R> {
  const { tasks, waitingMax } = options;
  let pool: Promise<Piscina<T, R>> | undefined;
  return {
    async run(task, { transfer = [], signal } = {}) {
      const threads = await (pool ??= open<T, R>(options));
      if (threads.queueSize >= waitingMax)
        throw new MarrowError(
          "rate_limited",
          `${waitingMax} ${tasks} already wait for a worker thread; try again shortly`,
          {
            details: { retryAfterMs: RETRY_AFTER_MS },
          },
        );
      try {
        return await threads.run(task, { transferList: [...transfer], signal: signal ?? null });
      } catch (cause) {
        if (signal?.aborted === true)
          throw new MarrowError("aborted", "the task in a worker thread was aborted", { cause });
        throw cause;
      }
    },
  };
}

async function open<T, R>({ module, name, threadsMax, waitingMax, idleMs }: ThreadsOptions): Promise<Piscina<T, R>> {
  const { Piscina: Pool } = await import("piscina");
  // In development the TypeScript sources run; the published package has JavaScript.
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new Pool<T, R>({
    name,
    filename: `${module.href}.${extension}`,
    minThreads: 0,
    maxThreads: threadsMax,
    idleTimeout: idleMs,
    maxQueue: waitingMax,
    recordTiming: false,
  });
}
