import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { createFairLine } from "../internal/fair-line.ts";

/** Share of the event loop's time that is in use when background work begins. */
const BUSY = 0.7;
const LOOK_MS = 5;
/** On a busy event loop, some work begins at least this often, in milliseconds. */
const LONGEST_WAIT_MS = 250;

/** Begins background work of scopes in turn, when the process has time. */
export interface SpareTime {
  /** Resolves when work of the scope may begin. */
  turn(scope: string): Promise<void>;
}

/**
 * Makes the turns of one process. After one piece of work began, the next one waits until the event loop was idle for 30% of the time since,
 * or for 250 ms. So work that mostly waits, for a model for example, begins at once, and work that computes leaves 30% of the time to
 * requests.
 */
export function createSpareTime(): SpareTime {
  const line = createFairLine({ name: "jobs", atOnce: 1 });
  let begun = performance.eventLoopUtilization();
  let begunMs = performance.now();

  async function spare(): Promise<void> {
    while (performance.eventLoopUtilization(begun).utilization > BUSY && performance.now() - begunMs < LONGEST_WAIT_MS)
      await sleep(LOOK_MS);
    begun = performance.eventLoopUtilization();
    begunMs = performance.now();
    // What begins now is seen by the next look.
    await sleep(LOOK_MS);
  }

  return { turn: (scope) => line.run(scope, spare) };
}
