import { isAscii, isUtf8 } from "node:buffer";
import { MarrowError } from "../../errors.ts";
import { takeInSlices } from "../../internal/time-slice.ts";
import type { ForwardedForm } from "../../models/index.ts";
import { isUtf8Name, readBoundary, readPartHead } from "./form-head.ts";

/** Parts of one form, and bytes of the head of one. */
const PARTS_MAX = 64;
const HEAD_BYTES_MAX = 8_192;
/** Bytes of a field whose value is read. */
const VALUE_BYTES_MAX = 256;
/** Bytes that are searched for the end of a part in one go. */
const SEARCHED_BYTES = 262_144;
/** Characters of a field's name that an error repeats. */
const PATH_CHARS_MAX = 100;
const CR = 13;
/** A field that names the charset of all texts of a form without one (RFC 7578, 4.6). */
const CHARSET_FIELD = "_charset_";
const BYTE_ORDER_MARK = "\uFEFF";

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
 * that another reader could read otherwise is refused: a boundary, a disposition or a name that is given twice, a folded header, a boundary
 * after a line feed alone, a part that is encoded, and a text in another charset than UTF-8. Linear, in slices of the event loop.
 * @throws MarrowError `invalid_input` for a malformed body, too many parts, a duplicate of either, or an empty model
 */
export function readForm(contentType: string, bytes: Buffer): Promise<ReadForm> {
  return takeInSlices(readInSteps(contentType, bytes));
}

function* readInSteps(contentType: string, bytes: Buffer): Generator<undefined, ReadForm> {
  const read = readBoundary(contentType);
  if (typeof read === "string") throw malformed(read);
  const name = read.boundary;
  const fields = new Map<string, Part>();
  let files = 0;
  for (const part of partsOf(bytes, `--${name}`)) {
    yield;
    if (part === undefined) continue;
    const head = readPartHead(bytes.toString("latin1", part.head, part.headEnd));
    if (typeof head === "string") throw malformed(head);
    const { name: field, isFile, isPlain } = head;
    if (!isPlain && READ.has(field)) throw malformed("has a name of a part that can be read otherwise");
    if (head.refusal !== undefined) throw wrong(field, head.refusal);
    if (head.isAscii && !isAscii(bytes.subarray(part.from, part.to)))
      throw wrong(field, "must have no other charset than UTF-8");
    if (isFile && field === "model") throw wrong(field, "must be a text, not a file");
    if (isFile) files += 1;
    else if (READ.has(field)) {
      if (fields.has(field)) throw wrong(field, "must be given once");
      fields.set(field, part);
    }
  }
  const valueOf = (field: string): string | undefined => {
    const { from, to } = fields.get(field) ?? { from: 0, to: 0 };
    if (to - from > VALUE_BYTES_MAX) throw wrong(field, `must have at most ${VALUE_BYTES_MAX} bytes`);
    if (to === from) return undefined;
    const value = bytes.toString("utf8", from, to);
    if (!isUtf8(bytes.subarray(from, to)) || value.startsWith(BYTE_ORDER_MARK))
      throw wrong(field, "must be UTF-8 without a byte order mark");
    return value;
  };
  const charset = valueOf(CHARSET_FIELD);
  if (charset !== undefined && !isUtf8Name(charset)) throw wrong(CHARSET_FIELD, "must be UTF-8");
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

/** Fields whose values are read. */
const READ: ReadonlySet<string> = new Set(["model", "user", CHARSET_FIELD]);

/** Positions of a part: its head, and its body from `from` to `to`. */
interface Part {
  readonly head: number;
  readonly headEnd: number;
  readonly from: number;
  readonly to: number;
}

/** Yields the positions of each part, and `undefined` after each step on the way to its end. */
function* partsOf(bytes: Buffer, delimiter: string): Generator<Part | undefined> {
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
    let end = -1;
    for (let start = from - 1; end === -1; start += SEARCHED_BYTES) {
      if (start >= bytes.length) throw malformed("ends too soon");
      const found = bytes.subarray(start, start + SEARCHED_BYTES + next.length - 1).indexOf(next);
      if (found === -1) yield undefined;
      else end = start + found;
    }
    // Readers that take a line feed for the end of a line would end the part here.
    if (bytes[end - 1] !== CR) throw malformed("has a boundary after a line feed alone");
    yield { head, headEnd: Math.max(head, at + within), from, to: Math.max(from, end - 1) };
    at = end + next.length;
  }
}

function malformed(why: string): MarrowError {
  return new MarrowError("invalid_input", `the multipart body ${why}`);
}

function wrong(field: string, why: string): MarrowError {
  const path = Buffer.from(field, "latin1").toString("utf8").slice(0, PATH_CHARS_MAX);
  return new MarrowError("invalid_input", `${path}: ${why}`, { details: { path } });
}
