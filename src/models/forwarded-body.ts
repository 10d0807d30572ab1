import { Readable } from "node:stream";
import { parseExact } from "../internal/exact-json.ts";

/** A body that can be forwarded unchanged, or with another model name. */
export interface ForwardedForm {
  readonly contentType: string;
  readonly bytes: Uint8Array;
  /** The same bytes in pieces, for a form of many megabytes that would have to be joined. @default the bytes are one piece */
  readonly pieces?: readonly Uint8Array[] | undefined;
  readonly model: string;
  /** Returns the same body with another model. */
  named(model: string): ForwardedForm;
}

/** Body for another path of an endpoint: JSON bytes, or a body with a known model. */
export type ForwardedBody = Uint8Array | ForwardedForm;

/** Makes a JSON body with a known model. */
export function jsonBody(bytes: Uint8Array, model: string): ForwardedForm {
  const named = (name: string) => jsonBody(Buffer.from(JSON.stringify({ ...parsed(bytes), model: name })), name);
  return { contentType: "application/json", bytes, model, named };
}

/** Returns a body with a known model. */
export function toNamed(body: ForwardedBody): ForwardedForm {
  return body instanceof Uint8Array ? jsonBody(body, parsed(body).model) : body;
}

/** The body of a form as it is sent: one in pieces is written piece by piece, and tells its length. */
export function toSentBody(form: ForwardedForm): {
  readonly body: Uint8Array | Readable;
  readonly length?: { readonly "content-length": string };
} {
  const { pieces } = form;
  if (pieces === undefined) return { body: form.bytes };
  const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
  return { body: Readable.from(slicesOf(pieces)), length: { "content-length": String(bytes) } };
}

/** Bytes that are written at once. */
const SLICE_BYTES = 262_144;

function* slicesOf(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const piece of pieces)
    for (let from = 0; from < piece.length; from += SLICE_BYTES) yield piece.subarray(from, from + SLICE_BYTES);
}

/** Replaces the body's model name by the endpoint's name for it. */
export function renameForwarded(body: ForwardedBody, nameOf: (model: string) => string): ForwardedBody {
  const known = toNamed(body);
  const name = nameOf(known.model);
  return name === known.model ? body : known.named(name);
}

function parsed(bytes: Uint8Array): { readonly model: string } {
  return parseExact(Buffer.from(bytes).toString("utf8")) as { readonly model: string };
}
