import { isObject } from "../internal/fields.ts";

/** Emits the `phases` of a message together with the text at which they begin. */
export interface Marks {
  /** Returns the phases that begin up to a position and were not emitted yet, as fields of a delta. */
  upTo(place: number): { readonly phases?: readonly unknown[] };
  /** Returns the position of the next phase; infinite after the last one. */
  next(): number;
}

/** Makes the marks of a message. An entry without a position begins with the entry before it. */
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
