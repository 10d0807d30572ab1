/** Numbers that follow from a seed, so that the same traffic comes each time. */
export interface Random {
  /** At least 0, less than 1. */
  next(): number;
  pick<T>(from: readonly T[]): T;
  /** One of them, the first ones much more often, as people ask. */
  usual<T>(from: readonly T[]): T;
  chance(part: number): boolean;
}

/** Makes numbers of a seed (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const at = <T>(from: readonly T[], part: number): T => from[Math.floor(part * from.length)] as T;
  return {
    next,
    pick: (from) => at(from, next()),
    usual: (from) => at(from, next() ** 2.2),
    chance: (part) => next() < part,
  };
}
