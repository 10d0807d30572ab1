import { MarrowError } from "../errors.ts";
import { wordOf } from "../internal/describe.ts";
import type { ChatRequest } from "./chat.ts";

/** An object of JSON. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * What becomes of one field of a chat request at an endpoint of another kind: `send` puts it under a name of the endpoint's, `own` is read by
 * the translation itself, `inert` cannot change what a model says, and `refuse` is an error that names the field, unless its value asks for
 * nothing.
 */
export type Row =
  | { readonly kind: "send"; readonly as: string; readonly by?: (value: never, path: string) => unknown }
  | { readonly kind: "own" | "inert" }
  | { readonly kind: "refuse"; readonly unless: (value: unknown) => boolean };

export const send = (as: string, by?: (value: never, path: string) => unknown): Row =>
  by === undefined ? { kind: "send", as } : { kind: "send", as, by };
export const own: Row = { kind: "own" };
export const inert: Row = { kind: "inert" };
export const refuse = (unless: (value: unknown) => boolean = () => false): Row => ({ kind: "refuse", unless });

/**
 * The fields of a request as an endpoint of a kind has them. A field without a row is passed on as it came: the endpoint knows it, or refuses
 * it. Pure.
 * @throws MarrowError `invalid_input` that names a field which cannot be carried
 */
export function applyRows(rows: ReadonlyMap<string, Row>, request: ChatRequest, kind: string): Record<string, unknown> {
  const fields = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(request)) {
    if (value === undefined || value === null) continue;
    const row = rows.get(name) ?? send(name);
    if (row.kind === "refuse" && !row.unless(value)) throw uncarried(name, kind);
    if (row.kind !== "send") continue;
    const sent = row.by === undefined ? value : row.by(value as never, name);
    if (sent !== undefined) fields[row.as] = sent;
  }
  return fields;
}

/** An error for what a kind of endpoint has no place for. */
export function uncarried(path: string, kind: string, what = ""): MarrowError {
  const named = what === "" ? "" : `: ${what}`;
  return new MarrowError("invalid_input", `${path}${named} cannot be carried to an upstream of kind ${kind}`, {
    details: { path },
  });
}

/** An error for a value of the wrong shape. */
export function unfit(path: string, expected: string, got: unknown): MarrowError {
  return new MarrowError("invalid_input", `${path} must be ${expected}, got ${wordOf(got)}`, { details: { path } });
}

/** An object of JSON, or an error that names it. */
export function objectAt(value: unknown, path: string): Fields {
  if (isObject(value)) return value;
  throw unfit(path, "an object", value);
}

/** Whether a value is an object of JSON, no list. */
export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A text of at least one character. */
export function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** A text, or nothing in place of what is none. */
export function textOr(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The parts of a data URL in base64, or `undefined` for what is none. */
export function fromDataUrl(url: string): { readonly type: string; readonly data: string } | undefined {
  // The head alone is matched: pictures are megabytes.
  const comma = url.indexOf(",");
  if (comma === -1 || comma > DATA_HEAD_CHARS_MAX) return undefined;
  const [, type] = /^data:([\w.+-]+\/[\w.+-]+)(?:;[\w=.+-]+)*;base64$/i.exec(url.slice(0, comma)) ?? [];
  return type === undefined ? undefined : { type: type.toLowerCase(), data: url.slice(comma + 1) };
}

/** Characters of a data URL before its data, at most. */
const DATA_HEAD_CHARS_MAX = 256;
