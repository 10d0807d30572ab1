import { Round } from "./round.ts";
import { workingFor } from "./working-for.ts";

/** Longest time that a loop may occupy the event loop, in milliseconds. */
const SLICE_MS = 5;

const waiting = new Round<() => void>();

/**
 * Waits for a turn of the event loop without other waiters, so that the work of a hundred requests is spread over a hundred turns, with
 * other events between them. Those for whom the work goes on ({@link workingFor}) take turns, each the oldest waiter first: a hundred requests
 * of one scope delay those of another by every second turn only.
 */
export function ownTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.add(workingFor()?.owner ?? "", resolve);
    if (waiting.size === 1) setImmediate(give);
  });
}

function give(): void {
  const next = waiting.next();
  if (waiting.size > 0) setImmediate(give);
  next?.();
}

/**
 * Divides a long loop into slices, between which other work runs. Call the result once per step and await the returned promise, if any:
 * `const rest = slice(); if (rest !== undefined) await rest;`. One step should take far less than `sliceMs`.
 */
export function createTimeSlice(sliceMs: number = SLICE_MS): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < sliceMs) return undefined;
    return ownTurn().then(() => void (since = performance.now()));
  };
}

/**
 * Runs work at once, until the work of one turn of the event loop has taken its time: what comes after that waits for the next turns, in
 * order. Work that comes alone never waits.
 */
export interface TurnPacer {
  (work: () => void): void;
  /** Returns true once the time of this turn is used up: work that goes on by itself should pause, and call the pacer to go on. */
  isSpent(this: void): boolean;
}

/** Makes a pacer whose work takes up to `sliceMs` milliseconds of one turn. */
export function createTurnPacer(sliceMs: number = SLICE_MS): TurnPacer {
  const later: (() => void)[] = [];
  let isTimed = false;
  let endMs = 0;

  function time(): void {
    [isTimed, endMs] = [true, performance.now() + sliceMs];
    setImmediate(beginTurn);
  }

  function beginTurn(): void {
    isTimed = false;
    if (later.length === 0) return;
    time();
    void goOn();
  }

  async function goOn(): Promise<void> {
    do {
      later.shift()?.();
      // The callbacks that follow the work at once belong to its time.
      await new Promise<void>((resolve) => process.nextTick(resolve));
    } while (later.length > 0 && performance.now() < endMs);
  }

  function isSpent(): boolean {
    if (!isTimed) time();
    return later.length > 0 || performance.now() >= endMs;
  }

  const pace = (work: () => void): void => {
    if (isSpent()) later.push(work);
    else work();
  };
  return Object.assign(pace, { isSpent });
}

/** Takes short steps in slices, and returns what they end with. */
export async function takeInSlices<T>(steps: Generator<undefined, T>): Promise<T> {
  const slice = createTimeSlice();
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    const rest = slice();
    if (rest !== undefined) await rest;
  }
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

/** Longest time that background work occupies the event loop at once, in milliseconds. */
const CALM_SLICE_MS = 3;
/** Longest rest after such a slice, however long other work of the same turn took. */
const CALM_REST_MAX_MS = 20;
const calm: (() => void)[] = [];

/**
 * Waits for the next slice of background work. All background work of the process shares these slices, and after each of them it rests as long
 * as the slice took, so that requests have at least half of the event loop.
 */
function calmTurn(): Promise<void> {
  return new Promise((resolve) => {
    calm.push(resolve);
    if (calm.length === 1) setImmediate(giveCalmly);
  });
}

function giveCalmly(): void {
  const begunMs = performance.now();
  calm[0]?.();
  setImmediate(() => {
    calm.shift();
    const tookMs = Math.min(performance.now() - begunMs, CALM_REST_MAX_MS);
    if (calm.length > 0) setTimeout(giveCalmly, tookMs);
  });
}

/** Maps a list in order, as background work: in slices that leave at least half of the event loop to requests. */
export async function mapCalmly<T, R>(list: readonly T[], map: (item: T, at: number) => R): Promise<R[]> {
  const mapped: R[] = [];
  let endMs = 0;
  for (const [at, item] of list.entries()) {
    if (performance.now() >= endMs) {
      await calmTurn();
      endMs = performance.now() + CALM_SLICE_MS;
    }
    mapped.push(map(item, at));
  }
  return mapped;
}

/** Yields a list whose items take long to work on, such as records of a megabyte that are decompressed: other work runs between them. */
export async function* inSlices<T>(list: readonly T[]): AsyncGenerator<T, void> {
  const slice = createTimeSlice();
  for (const item of list) {
    const rest = slice();
    if (rest !== undefined) await rest;
    yield item;
  }
}
