import type { Piscina } from "piscina";
import { MarrowError } from "../errors.ts";

/** Worker threads that do one kind of task. Nothing is started before the first one. */
export interface Threads<T, R> {
  /**
   * Does a task in a thread; `transfer`: buffers that move there, and are empty here afterwards. `signal` ends the wait and the work.
   * @throws MarrowError `rate_limited` when too many tasks wait, `aborted`
   */
  run(task: T, how?: { readonly transfer?: readonly ArrayBuffer[]; readonly signal?: AbortSignal }): Promise<R>;
}

/** Options of a thread pool. */
export interface ThreadsOptions {
  /** Where the function is that does a task: its module, without an extension, as `new URL("./chunk-worker", import.meta.url)`, and its name. */
  readonly module: URL;
  readonly name: string;
  /** Name of the tasks in messages, in the plural. */
  readonly tasks: string;
  readonly threadsMax: number;
  /** Tasks that wait for a thread; further ones are refused until one is done. */
  readonly waitingMax: number;
  /** A thread without work ends after this time, in milliseconds. */
  readonly idleMs: number;
}

const RETRY_AFTER_MS = 2_000;

/** Makes threads for one kind of task. */
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
