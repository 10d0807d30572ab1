import { MarrowError } from "../../errors.ts";
import type { ForwardedForm } from "../../models/index.ts";
import { readBoundary, readPartHead } from "./form-head.ts";

/** Parts of one form, and bytes of the head of one. */
const PARTS_MAX = 64;
const HEAD_BYTES_MAX = 8_192;
/** Bytes of a field whose value is read. */
const VALUE_BYTES_MAX = 256;
const CR = 13;

/** A form to forward, and the fields read from it. */
export interface ReadForm extends Omit<ForwardedForm, "model"> {
  /** Absent if the form has none. */
  readonly model: string | undefined;
  readonly user: string | undefined;
  /** Number of file parts. */
  readonly files: number;
}

/**
 * Reads the model and the user in a `multipart/form-data` body, at any position, and nothing else. Its bytes are forwarded, so everything
 * that another reader could read otherwise is refused: a boundary, a
 * disposition or a name that is given twice, a folded header, and a boundary after a line feed alone. Linear. Pure.
 * @throws MarrowError `invalid_input` for a malformed body, too many parts, a duplicate of either, or an empty model
 */
export function readForm(contentType: string, bytes: Buffer): ReadForm {
  const read = readBoundary(contentType);
  if (typeof read === "string") throw malformed(read);
  const name = read.boundary;
  const fields = new Map<string, { readonly from: number; readonly to: number }>();
  let files = 0;
  for (const part of partsOf(bytes, `--${name}`)) {
    const head = readPartHead(bytes.toString("latin1", part.head, part.from));
    if (typeof head === "string") throw malformed(head);
    const { name: field, isFile, isPlain } = head;
    if (!isPlain && (field === "model" || field === "user"))
      throw malformed("has a name of a part that can be read otherwise");
    if (isFile && field === "model") throw wrong(field, "must be a text, not a file");
    if (isFile) files += 1;
    else if (field === "model" || field === "user") {
      if (fields.has(field)) throw wrong(field, "must be given once");
      fields.set(field, part);
    }
  }
  const valueOf = (field: string): string | undefined => {
    const { from, to } = fields.get(field) ?? { from: 0, to: 0 };
    if (to - from > VALUE_BYTES_MAX) throw wrong(field, `must have at most ${VALUE_BYTES_MAX} bytes`);
    return to === from ? undefined : bytes.toString("utf8", from, to);
  };
  const model = valueOf("model");
  const place = fields.get("model");
  if (model === undefined && place !== undefined) throw wrong("model", "must not be empty");
  // A form that names no model gets one in a part of its own, before the others.
  const [before, after, head] =
    place === undefined
      ? [bytes.subarray(0, 0), "\r\n", `--${name}\r\ncontent-disposition: form-data; name="model"\r\n\r\n`]
      : [bytes.subarray(0, place.from), "", ""];
  const rest = place === undefined ? bytes : bytes.subarray(place.to);
  const named = (other: string): ForwardedForm => {
    const pieces = [before, Buffer.from(head, "latin1"), Buffer.from(other + after), rest];
    return new NamedForm({ contentType, model: other, named }, pieces);
  };
  return { contentType, bytes, model, user: valueOf("user"), files, named };
}

/** A form with another model, in pieces: one copy of many megabytes would hold the event loop. */
class NamedForm implements ForwardedForm {
  readonly contentType: string;
  readonly model: string;
  readonly named: ForwardedForm["named"];
  readonly pieces: readonly Uint8Array[];

  constructor({ contentType, model, named }: Pick<ForwardedForm, "contentType" | "model" | "named">, pieces: Buffer[]) {
    [this.contentType, this.model, this.named, this.pieces] = [contentType, model, named, pieces];
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.pieces);
  }
}

/** Yields the positions of each part's headers and body. */
function* partsOf(
  bytes: Buffer,
  delimiter: string,
): Generator<{ readonly head: number; readonly from: number; readonly to: number }> {
  const next = Buffer.from(`\n${delimiter}`, "latin1");
  if (bytes.toString("latin1", 0, delimiter.length) !== delimiter) throw malformed("does not begin with its boundary");
  let at = delimiter.length;
  for (let count = 0; ; count += 1) {
    const after = bytes.toString("latin1", at, at + 2);
    if (after === "--") return;
    if (after !== "\r\n") throw malformed("has a boundary that does not end");
    if (count >= PARTS_MAX) throw malformed(`has over ${PARTS_MAX} parts`);
    const head = at + 2;
    // The head of a part has a bound, so that a body without an end of one is not searched over and over.
    const within = bytes.subarray(at, head + HEAD_BYTES_MAX).indexOf("\r\n\r\n");
    if (within === -1) throw malformed("has a part with incomplete headers");
    const from = at + within + 4;
    const end = bytes.indexOf(next, from - 1);
    if (end === -1) throw malformed("ends too soon");
    // Readers that take a line feed for the end of a line would end the part here.
    if (bytes[end - 1] !== CR) throw malformed("has a boundary after a line feed alone");
    yield { head, from, to: Math.max(from, end - 1) };
    at = end + next.length;
  }
}

function malformed(why: string): MarrowError {
  return new MarrowError("invalid_input", `the multipart body ${why}`);
}

function wrong(path: string, why: string): MarrowError {
  return new MarrowError("invalid_input", `${path}: ${why}`, { details: { path } });
}
