import type { AttributeValue } from "./filter.ts";
import { normalise } from "../internal/normalise.ts";

/**
 * Encodes a word or boolean for engines with letters, digits and `_` only, so that no query language interprets, trims, splits or
 * case-folds it. Injective.
 */
export function encodeWord(value: string | boolean): string {
  if (typeof value === "boolean") return value ? "t" : "f";
  // A leading letter keeps an empty word apart from an absent one.
  return `w${value.replaceAll(/[^A-Za-z0-9]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `_${byte.toString(16).padStart(2, "0")}`).join(""),
  )}`;
}

/** Formats a number in full, because not every query language supports exponents. */
export function encodeNumber(value: number): string {
  const text = String(Object.is(value, -0) ? 0 : value);
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? [];
  if (whole === "") return text;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, "0")}`;
}

/** Returns a text's searchable words: lower case, letters and digits only, each once, at most 32. */
export function wordsOf(text: string): string[] {
  const words =
    normalise(text, "NFKC")
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  return [...new Set(words)].slice(0, 32);
}

/** Returns true if a value is stored as a word. */
export function isWord(value: AttributeValue): value is string | boolean {
  return typeof value !== "number";
}
