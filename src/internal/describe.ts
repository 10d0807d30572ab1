/**
 * Describes a value's kind for an error message, without its content, because strings may be secrets or prompts. Numbers and booleans are
 * shown, which makes range errors readable.
 */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value instanceof Date) return "a Date";
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  switch (typeof value) {
    case "undefined":
      return "nothing";
    case "number":
    case "boolean":
    case "bigint":
      return String(value);
    case "string":
      return value === "" ? "an empty string" : `a string of ${value.length}`;
    case "object":
      return "an object";
    default:
      return `a ${typeof value}`;
  }
}

/** Longest word of a caller that an error repeats, in characters. */
const WORD_CHARS_MAX = 64;

/**
 * Formats a caller's value for an error message, bounded; for a value that is not a string, its type. Never throws, whatever methods the
 * value has.
 */
export function wordOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, WORD_CHARS_MAX) : describe(value);
}
