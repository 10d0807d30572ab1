/** Runs work beside requests: a bounded number at once and a bounded number waiting. The rest is dropped. */
export interface Lane {
  /** Queues work, or returns false if the queue is full. Errors of the work go to `onError`. */
  add(work: () => Promise<unknown>): boolean;
  /** Runs work now and returns its result, or `undefined` if all places are taken. */
  now<T>(work: () => Promise<T>): Promise<T> | undefined;
}

/** Makes a lane of this process. */
export function createLane(
  { concurrency, waitingMax }: { readonly concurrency: number; readonly waitingMax: number },
  onError: (error: unknown) => void,
): Lane {
  const waiting: (() => Promise<unknown>)[] = [];
  let running = 0;

  function next(): void {
    const work = running < concurrency ? waiting.shift() : undefined;
    if (work !== undefined) void run(work).catch(onError);
  }

  async function run<T>(work: () => Promise<T>): Promise<T> {
    running += 1;
    try {
      return await work();
    } finally {
      running -= 1;
      next();
    }
  }

  return {
    add(work) {
      if (waiting.length >= waitingMax) return false;
      waiting.push(work);
      // A turn of the event loop later: no request waits even for the first step of it.
      setImmediate(next);
      return true;
    },
    now: (work) => (running < concurrency ? run(work) : undefined),
  };
}
