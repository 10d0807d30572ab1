/**
 * A text of many megabytes in pieces. One string of it would be one copy into fresh memory, which takes milliseconds for each megabyte; so
 * what reads or passes on pieces keeps them.
 */
export class LongText {
  readonly pieces: readonly string[];
  /** Characters of all pieces. */
  length: number;

  constructor(pieces: readonly string[]) {
    this.pieces = pieces;
    this.length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  }

  /** Appends to the text in its place. Short pieces are put together. */
  add(more: string): void {
    const pieces = this.pieces as string[];
    const last = pieces.at(-1);
    if (last === undefined || last.length + more.length > PIECE_CHARS) pieces.push(more);
    else pieces[pieces.length - 1] = last + more;
    this.length += more.length;
  }

  /** The text between two places, as `String.slice` counts them from its begin. */
  slice(from: number, end: number = this.length): LongText {
    const some: string[] = [];
    let at = 0;
    for (const piece of this.pieces) {
      if (at >= end) break;
      if (at + piece.length > from) some.push(piece.slice(Math.max(0, from - at), end - at));
      at += piece.length;
    }
    return new LongText(some);
  }

  /** Returns the text as one string. V8 copies it where it is first read, in one go. */
  toString(): string {
    let whole = "";
    for (const piece of this.pieces) whole += piece;
    return whole;
  }

  toJSON(): string {
    return this.toString();
  }
}

/** Longest piece that is put together of shorter ones, in characters. */
const PIECE_CHARS = 65_536;

/**
 * Returns a text with more behind it: one string as long as it is short, and then a {@link LongText}, which grows in its place. It is for texts
 * that arrive bit by bit: V8 copies a string that was put together where it is first read, all of it in one go.
 */
export function withMore(known: string | LongText, more: string | LongText): string | LongText {
  if (more instanceof LongText) {
    // A text of its own: that of another value does not grow.
    const grown = known instanceof LongText ? known : new LongText(known === "" ? [] : [known]);
    for (const piece of more.pieces) grown.add(piece);
    return grown;
  }
  if (known instanceof LongText) known.add(more);
  else if (known.length < PIECE_CHARS) return known + more;
  else return new LongText([known, more]);
  return known;
}

/** Returns true for a text: one string, or pieces. */
export function isWords(value: unknown): value is string | LongText {
  return typeof value === "string" || value instanceof LongText;
}

/** Returns a text, or an empty one for any other value. */
export function wordsOr(value: unknown): string | LongText {
  return isWords(value) ? value : "";
}

/** Longest text that is one string for readers of whole answers, in characters. V8 copies it in some milliseconds. */
export const STRING_CHARS_MAX = 1_048_576;

/** Returns a text as one string where it is not too long for that. */
export function asRead(text: string | LongText): string | LongText {
  return text instanceof LongText && text.length <= STRING_CHARS_MAX ? text.toString() : text;
}

/** Returns a JSON value with strings in the places of long texts; the value itself where it has none. Linear; recursive as the value is. */
export function withStrings<T>(value: T): T {
  return stringsIn(value) as T;
}

function stringsIn(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof LongText) return value.toString();
  let copy: Record<string, unknown> | undefined;
  for (const name of Object.keys(value)) {
    const part = (value as Record<string, unknown>)[name];
    const told = stringsIn(part);
    if (told === part) continue;
    copy ??= (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Record<string, unknown>;
    copy[name] = told;
  }
  return copy ?? value;
}
