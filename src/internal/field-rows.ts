import type { Fields } from "./fields.ts";

/**
 * What becomes of one field of a request in another API: `send` puts it under a name of that API, `own` is read by the translation itself,
 * `inert` cannot change the answer, and `refuse` is an error that names the field, unless its value asks for nothing.
 */
export type FieldRow =
  | { readonly kind: "send"; readonly as: string; readonly by?: (value: never, path: string) => unknown }
  | { readonly kind: "own" | "inert" }
  | { readonly kind: "refuse"; readonly unless: (value: unknown) => boolean };

/** Puts a field under a name, as it is or translated; what `by` makes `undefined` is left out. */
export const send = (as: string, by?: (value: never, path: string) => unknown): FieldRow =>
  by === undefined ? { kind: "send", as } : { kind: "send", as, by };
/** Puts a field under its own name, unless its value asks for nothing. */
export const sendUnless = (name: string, asksNothing: (value: unknown) => boolean): FieldRow =>
  send(name, (value: unknown) => (asksNothing(value) ? undefined : value));
export const own: FieldRow = { kind: "own" };
export const inert: FieldRow = { kind: "inert" };
/** Refuses a field, unless its value passes a test: then it asks for nothing. */
export const refuse = (unless: (value: unknown) => boolean = () => false): FieldRow => ({ kind: "refuse", unless });

export const isOne = (value: unknown): boolean => value === 1;
export const isZero = (value: unknown): boolean => value === 0;
export const isFalse = (value: unknown): boolean => value === false;
/** Whether a value is a list or an object with nothing in it. */
export const isEmpty = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0;
/** Whether a value is a list that names text and nothing else. */
export const isTextOnly = (value: unknown): boolean => Array.isArray(value) && value.every((one) => one === "text");

/**
 * The fields of a request as another API has them. `rowOf` says what becomes of a field without a row. Pure.
 * @throws what `refused` makes for a field that is refused, and what translations throw
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
