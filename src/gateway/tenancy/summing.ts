import { createTimeSlice } from "../../internal/time-slice.ts";
import { nameOf, type DayRows, type RowShape } from "./day-rows.ts";

/** Substitute name for rows and names beyond their bounds. */
export const OTHER = "(other)";
/** Most distinct names in one report; the rest is summed as {@link OTHER}. About 200 bytes each. */
const NAMES_MAX = 200_000;
/** Rows summed or sorted between two checks of the time slice. */
const ROWS_PER_LOOK = 256;

/** Factor by which a full table grows. It is large, because each discarded table burdens the garbage collector. */
const GROWTH = 4;

/** Options for summing rows by one of their names. */
export interface Summing {
  /** Index of that name in a row. */
  readonly by: number;
  /** Index of another name, which {@link add} gets. */
  readonly beside: number;
  /** Count of numbers in a sum. */
  readonly width: number;
  /** Adds the sums of a row, which begin at `from`, to the numbers that begin at `at`. */
  add(into: Float64Array, at: number, sums: Float64Array, from: number, beside: string): void;
  /** Indexes of the numbers by which sums are sorted, largest first. */
  readonly order: readonly number[];
}

/** Sorted sums. Only requested rows are built, because a month may have tens of thousands. */
export interface Sums<Row> {
  readonly length: number;
  slice(start?: number, end?: number): Row[];
  /** Sum of all rows, without a name. */
  readonly total: Row;
}

/**
 * Sums the rows of days in slices, so that a report of a year does not block the event loop. `toRow` builds a row from the numbers of a
 * sum.
 */
export async function sumUp<Row>(
  days: readonly DayRows[],
  shape: RowShape,
  summing: Summing,
  toRow: (name: string, numbers: Float64Array) => Row,
): Promise<Sums<Row>> {
  const { width, order } = summing;
  const slice = createTimeSlice();
  const table: Table = { places: new Map(), sums: new Float64Array(ROWS_PER_LOOK * width) };
  for (const day of days)
    for (let from = 0; from < day.count; from += ROWS_PER_LOOK) {
      addRows(table, day, from, { shape, summing });
      const rest = slice();
      if (rest !== undefined) await rest;
    }
  const names = [...table.places.keys()];
  const { sums } = table;
  const keys = order.map((nth) => columnOf(sums, names.length, width, nth));
  const sorted = await sortInSlices(names.length, keys);
  return {
    length: names.length,
    slice: (start, end) =>
      Array.from(sorted.subarray(start, end), (at) =>
        toRow(decode(names[at] as string), sums.subarray(at * width, (at + 1) * width)),
      ),
    total: toRow("", totalOf(sums, names.length, width)),
  };
}

/** Sums by name: the index of each, and the numbers of all sums in sequence. */
interface Table {
  readonly places: Map<string, number>;
  sums: Float64Array;
}

/** Adds some rows of a day. */
function addRows(
  table: Table,
  day: DayRows,
  from: number,
  { shape, summing }: { readonly shape: RowShape; readonly summing: Summing },
): void {
  const { places } = table;
  const { by, beside, width } = summing;
  const end = Math.min(from + ROWS_PER_LOOK, day.count);
  for (let row = from; row < end; row += 1) {
    const name = nameOf(day, row, by, shape);
    let place = places.get(name);
    if (place === undefined) {
      const known = places.size < NAMES_MAX ? name : OTHER_NAME;
      place = places.get(known) ?? places.size;
      places.set(known, place);
      if ((place + 1) * width > table.sums.length) table.sums = grown(table.sums);
    }
    const other = nameOf(day, row, beside, shape);
    summing.add(table.sums, place * width, day.sums, row * shape.whats.length, other);
  }
}

/**
 * Sorts the indexes from 0 to before `count` in slices, by descending keys; a later key decides between equal ones. Stable. Sorts short
 * runs first, then merges them.
 */
export async function sortInSlices(count: number, keys: readonly Float64Array[]): Promise<Uint32Array> {
  const compare = (one: number, other: number) => compareBy(keys, one, other);
  const slice = createTimeSlice();
  let from = new Uint32Array(count);
  for (let nth = 0; nth < count; nth += 1) from[nth] = nth;
  for (let start = 0; start < count; start += ROWS_PER_LOOK) {
    from.subarray(start, start + ROWS_PER_LOOK).sort(compare);
    const rest = slice();
    if (rest !== undefined) await rest;
  }
  let into = new Uint32Array(count);
  for (let size = ROWS_PER_LOOK; size < count; size *= 2) {
    for (let start = 0; start < count; start += 2 * size) {
      const ends: Ends = { left: start, right: Math.min(start + size, count) };
      const [middle, end] = [ends.right, Math.min(start + 2 * size, count)];
      for (let at = start; at < end; at += ROWS_PER_LOOK) {
        mergeSome(from, into, at, { ends, middle, end, keys });
        const rest = slice();
        if (rest !== undefined) await rest;
      }
    }
    [from, into] = [into, from];
  }
  return from;
}

/** Read positions in two runs that are merged. */
interface Ends {
  left: number;
  right: number;
}

/** Compares two indexes by their keys; negative if the first comes first. */
function compareBy(keys: readonly Float64Array[], one: number, other: number): number {
  for (let nth = 0; nth < keys.length; nth += 1) {
    const key = keys[nth] as Float64Array;
    const more = (key[other] as number) - (key[one] as number);
    if (more !== 0) return more;
  }
  return 0;
}

/** Two runs that are merged. */
interface Runs {
  readonly ends: Ends;
  readonly middle: number;
  readonly end: number;
  readonly keys: readonly Float64Array[];
}

/** Merges the next numbers of two runs. */
function mergeSome(from: Uint32Array, into: Uint32Array, at: number, { ends, middle, end, keys }: Runs): void {
  let { left, right } = ends;
  const to = Math.min(at + ROWS_PER_LOOK, end);
  for (let place = at; place < to; place += 1) {
    const isRight = left >= middle || (right < end && compareBy(keys, from[right] as number, from[left] as number) < 0);
    into[place] = from[isRight ? right : left] as number;
    if (isRight) right += 1;
    else left += 1;
  }
  ends.left = left;
  ends.right = right;
}

/** Returns the numbers at one index of all sums. */
function columnOf(sums: Float64Array, count: number, width: number, place: number): Float64Array {
  const column = new Float64Array(count);
  for (let at = 0; at < count; at += 1) column[at] = sums[at * width + place] as number;
  return column;
}

function grown(numbers: Float64Array): Float64Array {
  const more = new Float64Array(numbers.length * GROWTH);
  more.set(numbers);
  return more;
}

function totalOf(sums: Float64Array, count: number, width: number): Float64Array {
  const total = new Float64Array(width);
  for (let at = 0; at < count * width; at += width)
    for (let nth = 0; nth < width; nth += 1) total[nth] = (total[nth] as number) + (sums[at + nth] as number);
  return total;
}

const OTHER_NAME = encodeURIComponent(OTHER);

/** Decodes a name; most contain no encoded character. */
function decode(name: string): string {
  return name.includes("%") ? decodeURIComponent(name) : name;
}
