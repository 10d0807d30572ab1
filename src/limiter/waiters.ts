import { MarrowError } from "../errors.ts";

/** A waiting caller of this process. */
export interface Waiter {
  /**
   * Waits for a time, or until a slot was released in this process since the last pause.
   * @throws MarrowError `aborted`
   */
  pause(ms: number, signal: AbortSignal | undefined): Promise<void>;
  /** Stops waiting. */
  leave(): void;
}

/** Callers of this process that wait, by name of the resource, in order of arrival. */
export interface Waiters {
  join(names: readonly string[]): Waiter;
  /** Wakes the caller that has waited longest for each of these names. */
  wake(names: readonly string[]): void;
}

/**
 * Makes the waiters: a slot released in this process wakes a caller here without a poll's delay; other processes find it at their next
 * poll.
 */
export function createWaiters(): Waiters {
  const waiting = new Map<string, Set<{ wake: () => void }>>();

  function join(names: readonly string[]): Waiter {
    let woken = false;
    const asleep = () => (woken = true);
    const one = { wake: asleep as () => void };
    for (const name of names) {
      const same = waiting.get(name) ?? new Set();
      waiting.set(name, same.add(one));
    }
    return {
      pause: (ms, signal) =>
        new Promise((resolve, reject) => {
          const over = () => {
            clearTimeout(timer);
            signal?.removeEventListener("abort", abort);
            one.wake = asleep;
            woken = false;
          };
          const done = () => {
            over();
            resolve();
          };
          const abort = () => {
            over();
            reject(
              new MarrowError("aborted", "waiting for a limit was aborted by its signal", { cause: signal?.reason }),
            );
          };
          const timer = setTimeout(done, ms);
          if (signal?.aborted === true) return abort();
          if (woken) return done();
          one.wake = done;
          signal?.addEventListener("abort", abort, { once: true });
        }),
      leave() {
        for (const name of names) {
          const same = waiting.get(name);
          same?.delete(one);
          if (same?.size === 0) waiting.delete(name);
        }
      },
    };
  }

  return {
    join,
    wake(names) {
      for (const name of names) {
        const [first] = waiting.get(name) ?? [];
        first?.wake();
      }
    },
  };
}
