import { LongInteger } from "./long-integer.ts";

/**
 * Writes JSON with sorted keys and no optional characters, so that equal values have the same text. Drops `undefined` fields and calls
 * `toJSON`, as `JSON.stringify` does. The value must be JSON; a cycle throws a `RangeError`.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  if (value instanceof LongInteger) return value.toString();
  if ("toJSON" in value && typeof value.toJSON === "function") return canonicalJson(value.toJSON());
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const object = value as Readonly<Record<string, unknown>>;
  const fields = Object.keys(object)
    .filter((name) => object[name] !== undefined)
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(object[name])}`);
  return `{${fields.join(",")}}`;
}
