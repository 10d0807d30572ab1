/** How long a loop may hold the event loop before it gives way to other work, in milliseconds. */
const SLICE_MS = 5;

const waiting: (() => void)[] = [];

/**
 * Waits for a turn of the event loop that no other waiter has: what a hundred requests do after this is divided over a hundred turns, and
 * what came in meanwhile is served between them.
 */
export function ownTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(give);
  });
}

function give(): void {
  const [next] = waiting.splice(0, 1);
  if (waiting.length > 0) setImmediate(give);
  next?.();
}

/**
 * Divides a long loop into slices, between which other work runs. Call the result once for each step, and wait for what it answers, if
 * anything: `const rest = slice(); if (rest !== undefined) await rest;`. One step should take far less than `sliceMs`.
 */
export function createTimeSlice(sliceMs: number = SLICE_MS): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < sliceMs) return undefined;
    return ownTurn().then(() => void (since = performance.now()));
  };
}

/** Maps a list in slices, in order. */
export async function mapInSlices<T, R>(list: readonly T[], map: (item: T, at: number) => R): Promise<R[]> {
  const slice = createTimeSlice();
  const mapped: R[] = [];
  for (const [at, item] of list.entries()) {
    mapped.push(map(item, at));
    const rest = slice();
    if (rest !== undefined) await rest;
  }
  return mapped;
}
