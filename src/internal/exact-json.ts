import { endOfString, numberAt } from "./json-tokens.ts";
import { LongInteger } from "./long-integer.ts";

/** The place of a {@link LongInteger} in a value: a field or an item of its holder, or the value itself (no holder). */
export interface LongPlace {
  readonly holder: object | undefined;
  readonly name: string | number;
  readonly digits: string;
}

/** A value as `JSON.parse` reads it, and the places of the long integers in it. A thread can send it to another. */
export interface Unfilled {
  readonly value: unknown;
  readonly places: readonly LongPlace[];
}

/** Every integer of fewer digits is held exactly by a double. */
const DIGITS_MIN = 16;
const INTEGER = /^-?\d+$/;
const [QUOTE, COMMA, MINUS, ZERO, NINE] = [0x22, 0x2c, 0x2d, 0x30, 0x39];
const [OPEN_OBJECT, OPEN_LIST, CLOSE_OBJECT, CLOSE_LIST] = [0x7b, 0x5b, 0x7d, 0x5d];

/**
 * Parses JSON as `JSON.parse` does, except for integers that `JSON.stringify` would write otherwise: these become {@link LongInteger}. A
 * text without 16 digits in a row costs one look at every 16th character. Linear; no recursion.
 * @throws SyntaxError as `JSON.parse`
 */
export function parseExact(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return hasLongRun(text) ? fill({ value, places: placesIn(text, value) }) : value;
}

/** The first half of {@link parseExact}; {@link fill} is the second. @throws SyntaxError as `JSON.parse` */
export function parseUnfilled(text: string): Unfilled {
  const value: unknown = JSON.parse(text);
  return { value, places: hasLongRun(text) ? placesIn(text, value) : NONE };
}

const NONE: readonly LongPlace[] = [];

/** Puts the long integers in their places, and returns the value. */
export function fill({ value, places }: Unfilled): unknown {
  for (const { holder, name, digits } of places) {
    const long = new LongInteger(digits);
    if (holder === undefined) return long;
    // By assignment, a field of this name would change what the object is.
    if (name === "__proto__") Object.defineProperty(holder, name, { value: long });
    else (holder as Record<string | number, unknown>)[name] = long;
  }
  return value;
}

/** Returns true if so many digits stand in a row. Looks at each 16th character, and around it where that is a digit. */
function hasLongRun(text: string): boolean {
  for (let at = DIGITS_MIN - 1; at < text.length; at += DIGITS_MIN) {
    if (!isDigit(text.charCodeAt(at))) continue;
    let [start, end] = [at, at + 1];
    while (isDigit(text.charCodeAt(start - 1)) && end - start < DIGITS_MIN) start -= 1;
    while (isDigit(text.charCodeAt(end)) && end - start < DIGITS_MIN) end += 1;
    if (end - start >= DIGITS_MIN) return true;
  }
  return false;
}

/** An object or a list that is being read. */
interface Open {
  /** `undefined` where another field of the same name took its place. */
  readonly holder: object | undefined;
  readonly isList: boolean;
  /** The index of the item; for an object, where the name of the field stands, with its quotes. */
  item: number;
  start: number;
  end: number;
  isName: boolean;
}

/** Walks a valid JSON text beside its value, and finds the integers whose doubles are written otherwise. */
function placesIn(text: string, value: unknown): readonly LongPlace[] {
  const places: LongPlace[] = [];
  const opened: Open[] = [];
  let top: Open | undefined;

  function nameAt({ isList, item, start, end }: Open): string | number {
    if (isList) return item;
    const name = text.slice(start + 1, end);
    return name.includes("\\") ? (JSON.parse(text.slice(start, end + 1)) as string) : name;
  }

  function open(isList: boolean): void {
    const one = top === undefined ? value : (top.holder as Record<string, unknown> | undefined)?.[nameAt(top)];
    const holder = typeof one === "object" && one !== null && Array.isArray(one) === isList ? one : undefined;
    top = { holder, isList, item: 0, start: 0, end: 0, isName: !isList };
    opened.push(top);
  }

  function note(digits: string): void {
    if (top === undefined) places.push({ holder: undefined, name: "", digits });
    else if (top.holder !== undefined) {
      const [holder, name] = [top.holder, nameAt(top)];
      if ((holder as Record<string | number, unknown>)[name] === Number(digits)) places.push({ holder, name, digits });
    }
  }

  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      if (top?.isName === true) [top.start, top.end, top.isName] = [at, end, false];
      at = end;
    } else if (code === COMMA && top !== undefined) {
      top.item += 1;
      top.isName = !top.isList;
    } else if (code === MINUS || isDigit(code)) {
      const number = numberAt(text, at);
      if (number.length >= DIGITS_MIN && INTEGER.test(number) && String(Number(number)) !== number) note(number);
      at += Math.max(1, number.length) - 1;
    } else if (code === OPEN_OBJECT || code === OPEN_LIST) open(code === OPEN_LIST);
    else if (code === CLOSE_OBJECT || code === CLOSE_LIST) {
      opened.pop();
      top = opened.at(-1);
    }
  }
  return places;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}
