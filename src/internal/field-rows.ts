import type { Fields } from "./fields.ts";

/**
 * Conversion of one request field to another API. `send` renames it, `own` is left to the translation, `inert` drops a field without effect
 * on the answer, and `refuse` throws an error that names the field, unless its value has no effect.
 */
export type FieldRow =
  | { readonly kind: "send"; readonly as: string; readonly by?: (value: never, path: string) => unknown }
  | { readonly kind: "own" | "inert" }
  | { readonly kind: "refuse"; readonly unless: (value: unknown) => boolean };

/** Sets a field under a name, unchanged or converted; omitted if `by` returns `undefined`. */
export const send = (as: string, by?: (value: never, path: string) => unknown): FieldRow =>
  by === undefined ? { kind: "send", as } : { kind: "send", as, by };
/** Sets a field under its own name, unless its value requests nothing. */
export const sendUnless = (name: string, asksNothing: (value: unknown) => boolean): FieldRow =>
  send(name, (value: unknown) => (asksNothing(value) ? undefined : value));
export const own: FieldRow = { kind: "own" };
export const inert: FieldRow = { kind: "inert" };
/** Makes a row that refuses a field, unless its value passes a test and so has no effect. */
export const refuse = (unless: (value: unknown) => boolean = () => false): FieldRow => ({ kind: "refuse", unless });

export const isOne = (value: unknown): boolean => value === 1;
export const isZero = (value: unknown): boolean => value === 0;
export const isFalse = (value: unknown): boolean => value === false;
/** Returns true for an empty list or object. */
export const isEmpty = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0;
/** Returns true for an empty text, and for a list of such texts. */
export const isBlankOnly = (value: unknown): boolean =>
  Array.isArray(value) ? value.every((one) => one === "") : value === "";
/** Returns true for a list with only `text`. */
export const isTextOnly = (value: unknown): boolean => Array.isArray(value) && value.every((one) => one === "text");

/**
 * Converts the fields of a request for another API. `rowOf` returns the row of unlisted fields. Pure.
 * @throws the error of `refused` for a refused field, and errors of conversions
 */
export function applyRows(
  rows: ReadonlyMap<string, FieldRow>,
  request: Fields,
  rowOf: (name: string) => FieldRow,
  refused: (name: string) => Error,
): Record<string, unknown> {
  // Without a prototype, for a caller names the fields.
  const fields = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(request)) {
    if (value === undefined || value === null) continue;
    const row = rows.get(name) ?? rowOf(name);
    if (row.kind === "refuse" && !row.unless(value)) throw refused(name);
    if (row.kind !== "send") continue;
    const sent = row.by === undefined ? value : row.by(value as never, name);
    if (sent !== undefined) fields[row.as] = sent;
  }
  return fields;
}
