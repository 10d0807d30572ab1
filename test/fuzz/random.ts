/** Random numbers that a seed repeats. */
export interface Random {
  /** 0 to 1, 1 left out. */
  next(): number;
  /** A whole number from 0 to `end`, `end` left out. */
  below(end: number): number;
  chance(of: number): boolean;
  pick<T>(from: readonly T[]): T;
}

/** Makes random numbers from a seed (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }
  const below = (end: number) => Math.floor(next() * end);
  return {
    next,
    below,
    chance: (of) => next() < of,
    pick: <T>(from: readonly T[]) => from[below(from.length)] as T,
  };
}
