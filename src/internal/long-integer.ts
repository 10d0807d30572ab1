/** `JSON.rawJSON` of Node 22 and later, which TypeScript's library does not know. */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

/**
 * An integer that a double cannot hold, such as 9007199254740993, with its digits. `JSON.stringify` writes the digits, and so does a
 * template; arithmetic uses the nearest double.
 */
export class LongInteger {
  readonly #digits: string;

  constructor(digits: string) {
    this.#digits = digits;
  }

  toJSON(): unknown {
    return rawJSON(this.#digits);
  }

  toString(): string {
    return this.#digits;
  }

  valueOf(): number {
    return Number(this.#digits);
  }
}
