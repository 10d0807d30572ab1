/** An object of JSON. */
export type Fields = Readonly<Record<string, unknown>>;

/** Whether a value is an object of JSON, no list. */
export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value is a text of at least one character. */
export function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** Returns a text, or an empty one for any other value. */
export function textOr(value: unknown): string {
  return typeof value === "string" ? value : "";
}
