import { isObject } from "../internal/fields.ts";

/** The `phases` of a message, told piece by piece as its text comes to where they begin. */
export interface Marks {
  /** Those that begin up to a place and were not told yet, as fields of a delta. */
  upTo(place: number): { readonly phases?: readonly unknown[] };
  /** Where the next one begins that was not told yet; infinite after the last one. */
  next(): number;
}

/** Begins to tell them. An entry without a place begins where the one before it does. */
export function createMarks(phases: unknown): Marks {
  const all = Array.isArray(phases) ? (phases as readonly unknown[]) : [];
  let told = 0;
  return {
    upTo(place) {
      const from = told;
      while (told < all.length && startOf(all[told]) <= place) told += 1;
      return told > from ? { phases: all.slice(from, told) } : {};
    },
    next: () => (told < all.length ? startOf(all[told]) : Number.POSITIVE_INFINITY),
  };
}

function startOf(mark: unknown): number {
  return isObject(mark) && typeof mark["start"] === "number" ? mark["start"] : 0;
}
