/** Own time is counted in ticks of this length, in milliseconds. */
const TICK_MS = 25;

/**
 * Calls `end` after `lengthMs` of this process' own time, and after what arrived until then was read. A stretch in which the event loop did not
 * turn, or in which the machine gave the process no CPU, counts as one tick: a reply that came meanwhile is not late. Keeps no process alive.
 *
 * @returns a function that ends the wait
 */
export function afterOwnTime(lengthMs: number, end: () => void): () => void {
  let ticks = Math.max(1, Math.ceil(lengthMs / TICK_MS));
  let over = false;
  let timer = setTimeout(tick, Math.min(lengthMs, TICK_MS)).unref();

  function tick(): void {
    ticks -= 1;
    if (ticks > 0) timer = setTimeout(tick, TICK_MS).unref();
    else setImmediate(() => !over && end());
  }

  return () => {
    over = true;
    clearTimeout(timer);
  };
}

/** A wait in this process' own time, as {@link afterOwnTime} measures it. */
export interface OwnWait {
  readonly isOver: boolean;
  /** Ends the wait before it is over. */
  readonly end: () => void;
}

/** Begins to wait. */
export function beginOwnWait(lengthMs: number): OwnWait {
  const wait = { isOver: false, end: afterOwnTime(lengthMs, () => (wait.isOver = true)) };
  return wait;
}
