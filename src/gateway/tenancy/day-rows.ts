import { createTimeSlice } from "../../internal/time-slice.ts";

/** Shape of a record's rows. */
export interface RowShape {
  /** Number of names in a row. */
  readonly names: number;
  /** Names of the sums, in the order of stored rows. */
  readonly whats: readonly string[];
}

/** Rows of one day. The same names may occur in two rows. */
export interface DayRows {
  readonly count: number;
  readonly text: string;
  /** Positions in `text` at which a row's names begin, and one after the end of its last name. */
  readonly starts: Int32Array;
  /** Sums of all rows, each in the order of `whats`. */
  readonly sums: Float64Array;
}

/** Rows read between two checks of the time slice. */
const ROWS_PER_LOOK = 256;
/** Last character of a whole row's field. A field of this character alone has the number of rows. */
const MARK = "=".charCodeAt(0);
const BAR = "|".charCodeAt(0);
const BLANK = " ".charCodeAt(0);
const NEW_LINE = "\n".charCodeAt(0);
const ZERO = "0".charCodeAt(0);

/**
 * Reads the rows of a day in slices. The text has two lines for each field of the hash: the names, each encoded, separated by `|`, and
 * `|=`; then the sums, separated by spaces. Earlier builds had a field for each sum, `names|what`.
 */
export async function readDay(text: string, shape: RowShape): Promise<DayRows> {
  const slice = createTimeSlice();
  const most = Math.ceil(linesOf(text) / 2);
  const starts = new Int32Array(most * (shape.names + 1));
  const sums = new Float64Array(most * shape.whats.length);
  const reading: Reading = { text, at: 0, count: 0, starts, sums };
  while (reading.at < text.length) {
    readSome(reading, shape);
    const rest = slice();
    if (rest !== undefined) await rest;
  }
  const { count } = reading;
  return {
    count,
    text,
    starts: starts.slice(0, count * (shape.names + 1)),
    sums: sums.slice(0, count * shape.whats.length),
  };
}

/** Returns a name of a row, still encoded. */
export function nameOf({ text, starts }: DayRows, row: number, place: number, { names }: RowShape): string {
  const at = row * (names + 1) + place;
  return text.slice(starts[at], (starts[at + 1] as number) - 1);
}

function linesOf(text: string): number {
  let lines = 1;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lines += 1;
  return lines;
}

interface Reading {
  readonly text: string;
  readonly starts: Int32Array;
  readonly sums: Float64Array;
  at: number;
  count: number;
}

/** Reads some lines. Skips lines that are not rows: a newer version may store more than this one reads. */
function readSome(reading: Reading, { names, whats }: RowShape): void {
  const { text, starts, sums } = reading;
  let { at, count } = reading;
  for (let nth = 0; nth < ROWS_PER_LOOK && at < text.length; nth += 1) {
    const first = count * (names + 1);
    let [bars, code] = [0, 0];
    starts[first] = at;
    for (; at < text.length && (code = text.charCodeAt(at)) !== NEW_LINE; at += 1)
      if (code === BAR) {
        bars += 1;
        if (bars <= names) starts[first + bars] = at + 1;
      }
    const what = starts[first + names] as number;
    const isRow = bars === names && at === what + 1 && text.charCodeAt(what) === MARK;
    const place = bars === names && !isRow ? whats.indexOf(text.slice(what, at)) : 0;
    at += 1;
    if (bars !== names || place === -1) continue;
    const from = count * whats.length;
    at = readNumbers(text, at, sums, from + place, isRow ? from + whats.length : from + place + 1);
    count += 1;
  }
  reading.at = at;
  reading.count = count;
}

/** Reads the whole numbers of a line into the indexes from `nth` to before `end`; returns where the next line begins. */
function readNumbers(text: string, from: number, into: Float64Array, nth: number, end: number): number {
  let [at, place, number, code] = [from, nth, 0, 0];
  for (; at < text.length && (code = text.charCodeAt(at)) !== NEW_LINE; at += 1) {
    if (code !== BLANK) number = number * 10 + code - ZERO;
    else {
      if (place < end) into[place] = number;
      place += 1;
      number = 0;
    }
  }
  if (place < end) into[place] = number;
  return at + 1;
}
