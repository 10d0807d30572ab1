import { createTimeSlice } from "../../internal/time-slice.ts";

/** What the rows of a record have. */
export interface RowShape {
  /** How many names. */
  readonly names: number;
  /** What is summed up, in the order in which rows hold it. */
  readonly whats: readonly string[];
}

/** The rows of a day. A row may be there twice. */
export interface DayRows {
  readonly count: number;
  readonly text: string;
  /** Where each name of a row begins in the text, and where the last one is over. */
  readonly starts: Int32Array;
  /** The sums of each row in the order of `whats`. */
  readonly sums: Float64Array;
}

/** Rows that are read between two looks at the clock. */
const ROWS_PER_LOOK = 256;
/** What ends the field of a whole row; by itself it is the field that counts the rows. */
const MARK = "=".charCodeAt(0);
const BAR = "|".charCodeAt(0);
const BLANK = " ".charCodeAt(0);
const NEW_LINE = "\n".charCodeAt(0);
const ZERO = "0".charCodeAt(0);

/**
 * Reads the rows of a day in slices, of a text with two lines for each field of its hash: names, each encoded, with `|` between, and `|=`; then
 * the sums with blanks between. Builds before had a field for each sum, `names|what`.
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

/** A name of a row, encoded. */
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

/** Reads some lines. Those that are no rows are passed over: what a newer version counts is not this one's to read. */
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

/** Reads the whole numbers of a line into the places from `nth` to before `end`, and answers where the next line begins. */
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
