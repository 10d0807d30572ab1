/**
 * A text of many megabytes in pieces. One string of it would be one copy into fresh memory, which takes milliseconds for each megabyte; so
 * what reads or passes on pieces keeps them.
 */
export class LongText {
  readonly pieces: readonly string[];
  /** Characters of all pieces. */
  readonly length: number;

  constructor(pieces: readonly string[]) {
    this.pieces = pieces;
    this.length = pieces.reduce((sum, piece) => sum + piece.length, 0);
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
