import { MarrowError } from "../errors.ts";
import { describe, wordOf } from "../internal/describe.ts";
import { applyRows, send, type FieldRow } from "../internal/field-rows.ts";
import { isObject, type Fields } from "../internal/fields.ts";
import { LongText } from "../internal/long-text.ts";
import type { ChatRequest } from "./chat.ts";

/**
 * Converts the fields of a request for a kind of endpoint. A field without a row is passed on unchanged; the endpoint accepts or refuses
 * it. Pure.
 * @throws MarrowError `invalid_input` that names a field which cannot be carried
 */
export function toFields(
  rows: ReadonlyMap<string, FieldRow>,
  request: ChatRequest,
  kind: string,
): Record<string, unknown> {
  return applyRows(rows, request, send, (name) => uncarried(name, kind));
}

/** Builds the error for a value that a kind of endpoint cannot carry. */
export function uncarried(path: string, kind: string, what = ""): MarrowError {
  const named = what === "" ? "" : `: ${what}`;
  return new MarrowError("invalid_input", `${path}${named} cannot be carried to an upstream of kind ${kind}`, {
    details: { path },
  });
}

/** Builds the error for a value of the wrong type. */
export function unfit(path: string, expected: string, got: unknown): MarrowError {
  const told = got === "" ? describe(got) : wordOf(got);
  return new MarrowError("invalid_input", `${path} must be ${expected}, got ${told}`, { details: { path } });
}

/** Returns a JSON object, or throws an error that names it. */
export function objectAt(value: unknown, path: string): Fields {
  if (isObject(value)) return value;
  throw unfit(path, "an object", value);
}

/** Returns the index of a call in its message, also if only a part of that message arrived. */
export function placeOfCall(call: unknown, at: number): number {
  const { index } = isObject(call) ? call : {};
  return typeof index === "number" ? index : at;
}

/**
 * Splits a base64 data URL, whose data may have any form that {@link toBase64} reads; `undefined` for any other URL. The data of a URL in pieces
 * stay in pieces.
 */
export function fromDataUrl(
  url: string | LongText,
): { readonly type: string; readonly data: string | LongText } | undefined {
  const begin = typeof url === "string" ? url : (url.pieces[0] ?? "");
  // The head alone is matched: pictures are megabytes.
  const comma = begin.indexOf(",");
  if (comma === -1 || comma > DATA_HEAD_CHARS_MAX) return undefined;
  const [, type] = /^data:([\w.+-]+\/[\w.+-]+)(?:;[\w=.+-]+)*;base64$/i.exec(begin.slice(0, comma)) ?? [];
  if (type === undefined) return undefined;
  const data = toBase64(url.slice(comma + 1));
  return { type: type.toLowerCase(), data };
}

/**
 * Converts base64 with line breaks or spaces, of the alphabet for URLs, or without padding to the usual form, the only one that some
 * endpoints read. The usual form is only searched.
 */
export function toBase64(text: string): string;
export function toBase64(text: string | LongText): string | LongText;
export function toBase64(text: string | LongText): string | LongText {
  const data = text instanceof LongText ? new LongText(text.pieces.map(toUsual)) : toUsual(text);
  const rest = data.length % 4;
  if (rest < 2) return data;
  const padding = "=".repeat(4 - rest);
  if (typeof data === "string") return data + padding;
  data.add(padding);
  return data;
}

function toUsual(text: string): string {
  if (!UNUSUAL.some((character) => text.includes(character))) return text;
  return text
    .replaceAll(/[ \t\r\n]+/g, "")
    .replaceAll("-", "+")
    .replaceAll("_", "/");
}

const UNUSUAL = ["\n", "\r", "\t", " ", "-", "_"] as const;

/** Longest part of a data URL before its data, in characters. */
const DATA_HEAD_CHARS_MAX = 256;
