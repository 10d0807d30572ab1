import { types } from "node:util";
import { LongText } from "./long-text.ts";
import { createTimeSlice } from "./time-slice.ts";
import { endOfCharacter } from "./whole-character.ts";

/** Approximate size in characters from which a value is read and written in slices of the event loop. */
export const LARGE_JSON_CHARS = 262_144;
const PIECE_CHARS = 65_536;
/** Duration of one slice, in milliseconds. */
const TURN_MS = 3;

/** Estimates the characters of a value as JSON, which determine the cost of reading and writing it. Linear. */
export function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value !== "object" || value === null) return CHARS_PER_VALUE;
  let chars = CHARS_PER_VALUE;
  for (const [name, part] of Object.entries(value)) chars += name.length + sizeOf(part);
  return chars;
}

/** The same in turns of the event loop, for a value that may have hundreds of thousands of parts. */
export async function sizeInTurns(value: unknown): Promise<number> {
  const slice = createTimeSlice(TURN_MS);
  const left: unknown[] = [value];
  let [chars, steps] = [0, 0];
  while (left.length > 0) {
    const one = left.pop();
    if (typeof one === "string") chars += one.length + 2;
    else chars += CHARS_PER_VALUE;
    if (typeof one === "object" && one !== null)
      for (const name of Object.keys(one)) {
        chars += name.length;
        left.push((one as Record<string, unknown>)[name]);
      }
    steps += 1;
    if (steps % STEPS !== 0) continue;
    const rest = slice();
    if (rest !== undefined) await rest;
  }
  return chars;
}

/** Values between two looks at the clock. */
const STEPS = 1_024;

/** Whether the JSON of a value certainly has more than so many bytes. Looks at no more of it than that takes. */
export function isCertainlyOver(value: unknown, bytesMax: number): boolean {
  let left = bytesMax;
  /** Takes the least that a value has: with the comma or bracket behind it. */
  function take(one: unknown, depth: number): boolean {
    if (typeof one === "string" || one instanceof LongText) return (left -= one.length + 3) < 0;
    left -= 2;
    if (left < 0 || typeof one !== "object" || one === null) return left < 0;
    // What writes itself, and what has no end, is left to whoever writes it.
    if (depth > DEPTH_MAX || "toJSON" in one || isBoxed(one) || isRaw(one)) return false;
    if (Array.isArray(one)) {
      // By its places: a list of the names of a million places is work by itself.
      for (let at = 0; at < one.length; at += 1) if (take(one[at], depth + 1)) return true;
      return false;
    }
    for (const name in one) {
      if (!Object.hasOwn(one, name)) continue;
      const part = (one as Record<string, unknown>)[name];
      if (part === undefined || typeof part === "function" || typeof part === "symbol") continue;
      left -= name.length + 3;
      if (take(part, depth + 1)) return true;
    }
    return false;
  }
  // Nothing is behind the outermost.
  left += 1;
  return take(value, 0);
}

const DEPTH_MAX = 64;

/** Approximate size of a number or boolean with its separators. */
const CHARS_PER_VALUE = 8;

/** Returns the bytes of `JSON.stringify`: at once for a small value, otherwise in slices of the event loop. */
export function toJsonBytes(value: unknown): Buffer | Promise<Buffer> {
  return isWithin(value, LARGE_JSON_CHARS) ? Buffer.from(JSON.stringify(value)) : jsonInTurns(value);
}

/** Whether a value is so large that its JSON is written in slices of the event loop. Looks at no more of it than that takes. */
export function isLarge(value: unknown): boolean {
  return !isWithin(value, LARGE_JSON_CHARS);
}

/** Yields the bytes of `JSON.stringify` in pieces, in slices of the event loop, for a reader that has no use for all of them at once. */
export async function* jsonBytesInTurns(value: unknown): AsyncGenerator<Buffer, void> {
  for await (const text of jsonTextsInTurns(value)) yield Buffer.from(text);
}

/** The same as texts of about {@link PIECE_CHARS} characters. */
export async function* jsonTextsInTurns(value: unknown): AsyncGenerator<string, void> {
  const slice = createTimeSlice(TURN_MS);
  let text = "";
  for (const piece of jsonPieces(value)) {
    text += piece;
    if (text.length < PIECE_CHARS) continue;
    yield text;
    text = "";
    const rest = slice();
    if (rest !== undefined) await rest;
  }
  yield text;
}

/** Encodes a long text as UTF-8 in pieces, in slices of the event loop. A half of a character becomes a replacement, as ever. */
export async function toBytesInTurns(text: string | LongText): Promise<readonly Buffer[]> {
  const slice = createTimeSlice(TURN_MS);
  const pieces: Buffer[] = [];
  if (text instanceof LongText) {
    // Whoever cut it cut no character.
    for (const piece of text.pieces) {
      pieces.push(Buffer.from(piece));
      const rest = slice();
      if (rest !== undefined) await rest;
    }
    return pieces;
  }
  for (let from = 0; from < text.length;) {
    const end = endOfPiece(text, from);
    pieces.push(Buffer.from(text.slice(from, end)));
    from = end;
    const rest = slice();
    if (rest !== undefined) await rest;
  }
  return pieces;
}

/** The text that `JSON.stringify` makes of an object or a list: at once where it is small, in turns of the event loop otherwise. */
export function toJsonText(value: object): string | Promise<string> {
  const words = toJsonWords(value);
  return typeof words === "string" ? words : words.then(String);
}

/** The same; a long text stays in pieces. */
export function toJsonWords(value: object): string | Promise<LongText> {
  return isWithin(value, LARGE_JSON_CHARS) ? JSON.stringify(value) : wordsInTurns(value);
}

/** The same as text where it is small, and as bytes otherwise: a long text would be encoded in one go where it is sent. */
export function toJson(value: unknown): string | Promise<Buffer> {
  return isWithin(value, LARGE_JSON_CHARS) ? JSON.stringify(value) : jsonInTurns(value);
}

async function wordsInTurns(value: object): Promise<LongText> {
  const pieces: string[] = [];
  await inTurns(value, (text) => pieces.push(text));
  return new LongText(pieces);
}

async function jsonInTurns(value: unknown): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await inTurns(value, (text) => pieces.push(Buffer.from(text)));
  return concatInTurns(pieces);
}

/** Joins bytes as `Buffer.concat` does, in slices of the event loop: what is slow is the first touch of new memory. */
export async function concatInTurns(pieces: readonly Uint8Array[]): Promise<Buffer> {
  const slice = createTimeSlice(TURN_MS);
  const whole = Buffer.allocUnsafe(pieces.reduce((bytes, piece) => bytes + piece.length, 0));
  let at = 0;
  for (const piece of pieces)
    for (let from = 0; from < piece.length; from += PIECE_CHARS) {
      const part = piece.subarray(from, from + PIECE_CHARS);
      whole.set(part, at);
      at += part.length;
      const rest = slice();
      if (rest !== undefined) await rest;
    }
  return whole;
}

/** Passes on the JSON of a value in texts of about {@link PIECE_CHARS} characters, in slices of the event loop. */
export async function inTurns(value: unknown, take: (text: string) => void): Promise<void> {
  const slice = createTimeSlice(TURN_MS);
  let text = "";
  for (const piece of jsonPieces(value)) {
    text += piece;
    if (text.length < PIECE_CHARS) continue;
    take(text);
    text = "";
    const rest = slice();
    if (rest !== undefined) await rest;
  }
  take(text);
}

/** Returns true if a value is small enough to be serialized at once. Looks at no more of it than so many characters. */
function isWithin(value: unknown, charsMax: number): boolean {
  let left = charsMax;
  function take(one: unknown): boolean {
    if (typeof one === "string") return (left -= one.length + 2) >= 0;
    left -= CHARS_PER_VALUE;
    if (left < 0 || typeof one !== "object" || one === null) return left >= 0;
    for (const name in one) {
      left -= name.length;
      if (!take((one as Record<string, unknown>)[name])) return false;
    }
    return true;
  }
  return take(value);
}

/** Depth from which the rest is written in one go, which finds a cycle, too. */
const PIECES_DEPTH_MAX = 128;

/**
 * Yields the text of `JSON.stringify` in pieces of about {@link PIECE_CHARS} characters.
 * @throws TypeError for what JSON cannot express, and for a value that it leaves out
 */
export function* jsonPieces(value: unknown): Generator<string> {
  const written = writtenOf(value, "");
  if (isLeftOut(written)) throw new TypeError("JSON leaves the value out");
  yield* piecesOf(written, 0);
}

/** Yields the text of a value that does not write itself any more. */
function* piecesOf(value: unknown, depth: number): Generator<string> {
  if (value instanceof LongText) yield* longTextPieces(value);
  else if (typeof value === "string" && value.length > PIECE_CHARS) yield* stringPieces(value);
  else if (typeof value !== "object" || value === null) yield JSON.stringify(value) ?? "null";
  else if (depth === PIECES_DEPTH_MAX || isRaw(value) || isWithin(value, PIECE_CHARS)) yield textOf(value);
  else if (Array.isArray(value)) {
    yield "[";
    for (const [at, item] of value.entries()) {
      if (at > 0) yield ",";
      yield* piecesOf(writtenOf(item, String(at)), depth + 1);
    }
    yield "]";
  } else {
    let open = "{";
    for (const [name, field] of Object.entries(value)) {
      const written = writtenOf(field, name);
      if (isLeftOut(written)) continue;
      yield `${open}${JSON.stringify(name)}:`;
      open = ",";
      yield* piecesOf(written, depth + 1);
    }
    yield open === "{" ? "{}" : "}";
  }
}

/** What `JSON.stringify` writes for the value of a field: what its `toJSON` returns, and what a box such as `new String("a")` holds. */
function writtenOf(value: unknown, name: string): unknown {
  if (value instanceof LongText || value === null || value === undefined) return value;
  const { toJSON } = value as { toJSON?: unknown };
  const mayWriteItself = typeof value === "object" || typeof value === "function" || typeof value === "bigint";
  const one: unknown = mayWriteItself && typeof toJSON === "function" ? toJSON.call(value, name) : value;
  if (typeof one !== "object" || one === null || !isBoxed(one)) return one;
  return types.isStringObject(one) ? String(one) : types.isNumberObject(one) ? Number(one) : one.valueOf();
}

function isLeftOut(written: unknown): boolean {
  return written === undefined || typeof written === "function" || typeof written === "symbol";
}

/** The text of an object in one go. Its own `toJSON`, if it has one, was called before. */
function textOf(value: object): string {
  return JSON.stringify("toJSON" in value ? { toJSON: () => value } : value);
}

/** Whether this is a box whose text, number or boolean JSON writes. That of a symbol is an object like others. */
function isBoxed(value: object): boolean {
  return types.isBoxedPrimitive(value) && !types.isSymbolObject(value);
}

/** Whether this is a text of JSON that is written as it is (`JSON.rawJSON`). */
function isRaw(value: object): boolean {
  return "rawJSON" in value && (JSON as { isRawJSON?: (one: unknown) => boolean }).isRawJSON?.(value) === true;
}

function* longTextPieces({ pieces }: LongText): Generator<string> {
  yield '"';
  for (const piece of pieces) yield JSON.stringify(piece).slice(1, -1);
  yield '"';
}

function* stringPieces(text: string): Generator<string> {
  yield '"';
  for (let from = 0; from < text.length;) {
    const end = endOfPiece(text, from);
    yield JSON.stringify(text.slice(from, end)).slice(1, -1);
    from = end;
  }
  yield '"';
}

/** End of a piece of a text, never between the two halves of one character. */
function endOfPiece(text: string, from: number): number {
  return endOfCharacter(text, Math.min(text.length, from + PIECE_CHARS));
}
