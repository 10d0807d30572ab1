import type { AttributeValue } from "./filter.ts";
import { normalise } from "../internal/normalise.ts";

/**
 * A word or a truth value as engines keep it: letters, digits and `_` only, so that no engine's query language has a meaning for
 * any of it, cuts it at a blank, splits it at a comma or folds its case. Injective.
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

/** The words of a text that a search may ask for: lower case, letters and digits only, each once, at most 32. */
export function wordsOf(text: string): string[] {
  const words =
    normalise(text, "NFKC")
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  return [...new Set(words)].slice(0, 32);
}

/** Whether a value is kept as a word. */
export function isWord(value: AttributeValue): value is string | boolean {
  return typeof value !== "number";
}
