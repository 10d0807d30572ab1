import { createFairLine, type FairLine, type FairWait } from "../internal/fair-line.ts";

/** Files that are cut, embedded and stored at once in this process, and of them those of one scope. */
const FILES_AT_ONCE = 8;
const SCOPE_FILES_AT_ONCE = 2;
/** Shorter commands are followed by no rest, in milliseconds: most of their time is the way to Redis. */
const QUICK_MS = 2;
const REST_MAX_MS = 100;
/** A command that takes longer waits for a server that hangs, or for another shard than the next one. */
const HOLD_MAX_MS = 250;
/** Numbers of vectors that one script adds to a graph: 8 vectors of 256 numbers take Redis about 4 ms. */
const NUMBERS_AT_ONCE = 2_048;
const [ADDED_MIN, ADDED_MAX] = [2, 8];
/** Items that one script removes from a graph: about 5 ms. */
export const REMOVED_AT_ONCE = 32;
/** Files of one scope that may wait before a file that is attached alone. Files of batches wait without a bound, one of each batch. */
export const FILE_WAIT: FairWait = { waitingMax: 1_000 };
/** Commands of one scope that may wait before a search, and how long it may wait. */
export const SEARCH_WAIT: FairWait = { waitingMax: 256, waitMs: 10_000 };

/** Turns of files of all scopes in this process. */
export const fileTurns: FairLine = createFairLine({
  name: "files",
  atOnce: FILES_AT_ONCE,
  ownerAtOnce: SCOPE_FILES_AT_ONCE,
});

/**
 * Turns of commands that change or search a graph of vectors. Redis runs each command alone, and one of these takes it milliseconds, so a
 * process sends one at a time and then rests as long as it took: Redis has half of its time for other commands, whatever a scope stores or asks.
 */
export const vectorTurns: FairLine = createFairLine({
  name: "commands of vector stores",
  atOnce: 1,
  holdMaxMs: HOLD_MAX_MS,
  restMs: (tookMs) => (tookMs < QUICK_MS ? 0 : Math.min(tookMs, REST_MAX_MS)),
});

/** Computes how many vectors one script adds. */
export function addedAtOnce(dimensions: number): number {
  return Math.min(ADDED_MAX, Math.max(ADDED_MIN, Math.floor(NUMBERS_AT_ONCE / dimensions)));
}
