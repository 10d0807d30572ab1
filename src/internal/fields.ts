import { LongInteger } from "./long-integer.ts";
import { LongText } from "./long-text.ts";

/** A JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** Returns true for a JSON object, not a list, an integer that a double cannot hold, or a text in pieces. */
export function isObject(value: unknown): value is Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return !(value instanceof LongInteger) && !(value instanceof LongText);
}

/** Returns true for a non-empty string. */
export function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** Returns a text, or an empty one for any other value. */
export function textOr(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Reads a field by a name that others chose. What every object inherits, such as `constructor`, is no field. */
export function ownField<T>(of: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(of, name) ? of[name] : undefined;
}
