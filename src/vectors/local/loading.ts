import { MarrowError } from "../../errors.ts";
import { createTurnPacer } from "../../internal/time-slice.ts";

/** Copies of a connection that are read at once. Each has a page of 512 rows on its way, some 150 KB, which the process reads in 2 ms. */
export const LOADS_MAX = 8;

/** Those who read copies from the start, few at once: the others wait in line. */
export interface Loading {
  /**
   * Waits for a place, and returns what gives it back.
   * @throws MarrowError `timeout` after `waitMs`
   */
  take(waitMs: number): Promise<() => void>;
}

/** Makes the line of a connection. */
export function createLoading(loadsMax: number = LOADS_MAX): Loading {
  const waiting = new Set<() => void>();
  const pace = createTurnPacer();
  let running = 0;

  const late = (waitMs: number) =>
    new MarrowError(
      "timeout",
      `many namespaces are searched for the first time (engine local): ${loadsMax} are read at once, and this one had no turn within ${waitMs} ms; try again shortly`,
      { details: { timeoutMs: waitMs, loadsMax } },
    );

  function give(): void {
    const [next] = waiting;
    if (next === undefined) running -= 1;
    else next();
  }

  return {
    async take(waitMs) {
      if (running < loadsMax) running += 1;
      else
        await new Promise<void>((resolve, reject) => {
          const begin = () => {
            waiting.delete(begin);
            clearTimeout(timer);
            resolve();
          };
          const timer = setTimeout(() => {
            waiting.delete(begin);
            // Those who came together end together: thousands of errors take more than a turn of the event loop.
            pace(() => reject(late(waitMs)));
          }, waitMs);
          waiting.add(begin);
        });
      return give;
    },
  };
}
