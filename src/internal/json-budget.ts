import { MarrowError } from "../errors.ts";
import { createTimeSlice } from "./time-slice.ts";

/** Bounds on a JSON text besides its bytes. */
export interface JsonBudget {
  /** Values in it: fields of objects, items of lists, objects and lists. */
  readonly valuesMax: number;
  /** Nesting depth of objects and lists. */
  readonly depthMax: number;
}

/** Bytes of all names of fields together, as written. Unlike values, names cannot be hashed or written in turns. */
export const NAME_BYTES_MAX = 1_048_576;

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
/** Bytes of a string that are read one by one before its end is searched. */
const SHORT_BYTES = 1_024;
const [OPEN_OBJECT, OPEN_LIST, CLOSE_OBJECT, CLOSE_LIST] = [0x7b, 0x5b, 0x7d, 0x5d];

/** Whether a byte outside strings counts. Asked first, because most bytes of white space and numbers do not. */
const COUNTED = new Uint8Array(256);
for (const byte of [QUOTE, COMMA, COLON, OPEN_OBJECT, OPEN_LIST, CLOSE_OBJECT, CLOSE_LIST]) COUNTED[byte] = 1;

/**
 * Refuses a JSON text with too many values, or too much text in the names of its fields, before it is parsed, because parsing and later steps take about a microsecond per value,
 * whatever the text's length. Reads only bytes, 2 to 10 ms per MiB outside strings, and stops at the first bound. Invalid JSON passes, because the parser
 * reports it.
 * @throws MarrowError `too_large` that names the bound
 */
export function checkJsonBudget(bytes: Uint8Array, budget: JsonBudget, path = "body"): void {
  countUntil(bytes.length, bytes, begin(), budget, path);
}

/** The same in slices of the event loop. @throws MarrowError as {@link checkJsonBudget} */
export async function checkJsonBudgetInTurns(bytes: Uint8Array, budget: JsonBudget): Promise<void> {
  const slice = createTimeSlice();
  const counted = begin();
  while (counted.at < bytes.length) {
    countUntil(Math.min(bytes.length, counted.at + STEP_BYTES), bytes, counted, budget, "body");
    const rest = slice();
    if (rest !== undefined) await rest;
  }
}

/** Bytes between two looks at the clock: below a millisecond, whatever they are. */
const STEP_BYTES = 65_536;

/** What was counted up to a place in a text. */
interface Counted {
  at: number;
  values: number;
  depth: number;
  nameBytes: number;
  /** Bytes of the last string. */
  stringBytes: number;
  /** Where the string begins that the place is in; -1 outside. */
  start: number;
  /** The next quote from some place on, once it was searched. */
  quote: number;
}

const begin = (): Counted => ({ at: 0, values: 0, depth: 0, nameBytes: 0, stringBytes: 0, start: -1, quote: -1 });

/** Counts on to a place, or behind it to the end of a string. */
function countUntil(
  end: number,
  bytes: Uint8Array,
  counted: Counted,
  { valuesMax, depthMax }: JsonBudget,
  path: string,
): void {
  let { at, values, depth, nameBytes, stringBytes, start } = counted;
  for (; at < end; at += 1) {
    if (start === -1) {
      const byte = bytes[at] as number;
      if (COUNTED[byte] === 0) continue;
      if (byte === QUOTE) {
        start = at;
        continue;
      }
      if (byte === COLON) nameBytes += stringBytes;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) depth -= 1;
      else {
        values += 1;
        if (byte !== COMMA) depth += 1;
      }
      if (values > valuesMax) throw over(path, `more than ${valuesMax} values`, { valuesMax });
      if (depth > depthMax) throw over(path, `objects and lists nested more than ${depthMax} deep`, { depthMax });
      if (nameBytes > NAME_BYTES_MAX)
        throw over(path, `more than ${NAME_BYTES_MAX} bytes in the names of its fields`, {
          nameBytesMax: NAME_BYTES_MAX,
        });
      continue;
    }
    at = endOfString(bytes, at, end, counted);
    if (bytes[at] !== QUOTE) break;
    stringBytes = at - start - 1;
    start = -1;
  }
  Object.assign(counted, { at, values, depth, nameBytes, stringBytes, start });
}

/**
 * Reads on within a string: returns where it ends, or a place from `until` on. No byte of a multibyte UTF-8 character equals a quote or a
 * backslash.
 */
function endOfString(bytes: Uint8Array, from: number, until: number, counted: Counted): number {
  let at = from;
  for (const near = at + SHORT_BYTES; at < near && at < bytes.length && bytes[at] !== QUOTE; at += 1)
    if (bytes[at] === BACKSLASH) at += 1;
  if (at >= until || bytes[at] === QUOTE) return at;
  if (counted.quote < at) counted.quote = indexOrEnd(bytes, at);
  if (bytes[counted.quote - 1] !== BACKSLASH) return counted.quote;
  for (; at < until && bytes[at] !== QUOTE; at += 1) if (bytes[at] === BACKSLASH) at += 1;
  return at;
}

function indexOrEnd(bytes: Uint8Array, from: number): number {
  const at = bytes.indexOf(QUOTE, from);
  return at === -1 ? bytes.length : at;
}

function over(path: string, what: string, details: Readonly<Record<string, number>>): MarrowError {
  return new MarrowError("too_large", `${path === "body" ? "the body" : path} has ${what}`, {
    details: { path, ...details },
  });
}
