import { readParameters, valuesOf, type Reading } from "./header-parameters.ts";

/** What the head of one part says. */
export interface PartHead {
  readonly name: string;
  readonly isFile: boolean;
  /** Whether the name and the kind are the same whether or not `\` escapes within quotation marks: senders differ in this. */
  readonly isPlain: boolean;
  /** Whether the bytes of the part must be ASCII, because its charset agrees with UTF-8 in no others. */
  readonly isAscii: boolean;
  /** Why readers could read the part's body otherwise; `undefined` if they cannot. */
  readonly refusal: string | undefined;
}

/** Headers of one part. */
const HEADERS_MAX = 16;
const HEADER = /^[a-z0-9][!#$%&'*+.^_`|~\w-]*[ \t]*:/i;
// Control characters, which readers take for ends of lines or of texts. A tab is none.
// oxlint-disable-next-line no-control-regex -- these are what it looks for
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;
const FORM_DATA = /^[ \t]*form-data[ \t]*;/i;

/** Headers that decide how readers read a part. */
const READ: ReadonlySet<string> = new Set([
  "content-disposition",
  "content-type",
  "content-transfer-encoding",
  "content-encoding",
]);
/** Transfer encodings that change no byte. */
const UNCHANGED: ReadonlySet<string> = new Set(["7bit", "8bit", "binary"]);
const UTF8 = /^utf-?8$/i;
/** Charsets that agree with UTF-8 in ASCII. Java's clients name the second for any text. */
const LIKE_ASCII = /^(?:us-ascii|ascii|iso-8859-1|latin1|windows-1252)$/i;
/** Fields that the gateway reads. */
const FIELDS: ReadonlySet<string | undefined> = new Set(["model", "user"]);

const ONE_NAME = "must have one content-disposition with one name of at most 256 characters in each part";
const MALFORMED = "has a part with a malformed header";

/**
 * Reads the head of one part, without the empty line at its end. Linear. Pure. Returns a text that says what is wrong, if the head is
 * malformed, or readers could disagree about its headers.
 */
export function readPartHead(head: string): PartHead | string {
  const headers = readHeaders(head);
  if (typeof headers === "string") return headers;
  const disposition = headers.get("content-disposition") ?? "";
  const readings = FORM_DATA.test(disposition) ? readParameters(disposition) : undefined;
  if (readings === undefined || readings.every(({ isOpen }) => isOpen)) return ONE_NAME;
  const [plain, escaped] = readings.map((reading) => valuesOf(reading, "name"));
  const [a, b] = [plain ?? [], escaped ?? []];
  const name = a[0] ?? b[0];
  if (a.length > 1 || b.length > 1 || name === undefined || [...a, ...b].includes(undefined)) return ONE_NAME;
  // Some readers decode words of RFC 2047.
  if (name.startsWith("=?")) return "has a name of a part that can be read otherwise";
  const files = readings.map((reading) => valuesOf(reading, "filename").length > 0);
  // A name that one reading hides is that of a field, if it is so by either.
  const field = [a[0], b[0]].find((one) => FIELDS.has(one));
  const type = readType(headers.get("content-type"), { isFile: !files.includes(false), isField: field !== undefined });
  return {
    name: field ?? name,
    isFile: files.includes(true),
    isPlain: a[0] === b[0] && files[0] === files[1],
    isAscii: type.isAscii,
    refusal: refusalOfEncodings(headers) ?? type.refusal,
  };
}

/** Returns the boundary that a content type names once by either reading, or a text that says what is wrong. Pure. */
export function readBoundary(contentType: string): { readonly boundary: string } | string {
  const readings = readParameters(contentType);
  if (readings === undefined) return "has too many parameters in its content-type";
  const found = readings.map((reading) => valuesOf(reading, "boundary"));
  if (found.every((values) => values.length === 0)) return "has no boundary";
  const [boundary] = found[0] ?? [];
  if (found.some((values) => values.length !== 1 || values[0] !== boundary)) return "has more than one boundary";
  if (boundary === undefined || boundary === "" || boundary.length > 70) return "has no boundary of 1 to 70 characters";
  // Some readers decode all texts by it.
  if (charsetOf(readings) !== "utf-8") return "must have no other charset than UTF-8";
  return { boundary };
}

/** Whether a charset by which a form names that of its texts (its field `_charset_`) is UTF-8. Pure. */
export function isUtf8Name(charset: string): boolean {
  return UTF8.test(charset);
}

/** Returns the values of the headers that are {@link READ}, by their names, or a text that says what is wrong. */
function readHeaders(head: string): ReadonlyMap<string, string> | string {
  const headers = new Map<string, string>();
  const lines = head === "" ? [] : head.split("\r\n", HEADERS_MAX + 1);
  if (lines.length > HEADERS_MAX) return `has a part with over ${HEADERS_MAX} headers`;
  for (const line of lines) {
    // This also finds folded lines, and lines that end otherwise than by CRLF.
    if (!HEADER.test(line) || CONTROL.test(line)) return MALFORMED;
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trimEnd().toLowerCase();
    if (!READ.has(name)) continue;
    // Some readers do not know a header with a blank before its colon.
    if (name.length !== colon) return MALFORMED;
    if (headers.has(name)) return name === "content-disposition" ? ONE_NAME : `has a part with two headers ${name}`;
    headers.set(name, line.slice(colon + 1));
  }
  return headers;
}

function refusalOfEncodings(headers: ReadonlyMap<string, string>): string | undefined {
  const of = (name: string, otherwise: string) => (headers.get(name) ?? otherwise).trim().toLowerCase();
  if (!UNCHANGED.has(of("content-transfer-encoding", "binary")))
    return "must have no content-transfer-encoding other than 7bit, 8bit and binary";
  if (of("content-encoding", "identity") !== "identity") return "must have no content-encoding";
  return undefined;
}

/** Judges the content type of a part. A text is decoded by its charset, a file is not. */
function readType(
  contentType: string | undefined,
  { isFile, isField }: { readonly isFile: boolean; readonly isField: boolean },
): Pick<PartHead, "isAscii" | "refusal"> {
  if (contentType === undefined) return { isAscii: false, refusal: undefined };
  const end = contentType.indexOf(";");
  const type = contentType
    .slice(0, end === -1 ? undefined : end)
    .trim()
    .toLowerCase();
  const refuse = (refusal: string) => ({ isAscii: false, refusal });
  // Some readers take the parts inside for parts of the form.
  if (type.startsWith("multipart/")) return refuse("must not have a content-type of several parts");
  if (isFile) return { isAscii: false, refusal: undefined };
  // Some readers take it for a file. No client sends it for a text.
  if (isField && type === "application/octet-stream")
    return refuse("must be a text, not a part of the content-type application/octet-stream");
  const readings = readParameters(contentType);
  const charset = readings === undefined ? undefined : charsetOf(readings);
  if (charset === undefined) return refuse("must have no other charset than UTF-8");
  return { isAscii: charset === "ascii", refusal: undefined };
}

/** Returns the charset that both readings name, UTF-8 if they name none, and `undefined` for any other one. */
function charsetOf(readings: readonly Reading[]): "utf-8" | "ascii" | undefined {
  const found = readings.map((reading) => valuesOf(reading, "charset"));
  if (found.every((values) => values.length === 0)) return "utf-8";
  const [charset] = found[0] ?? [];
  if (charset === undefined || found.some((values) => values.length !== 1 || values[0] !== charset)) return undefined;
  if (UTF8.test(charset)) return "utf-8";
  return LIKE_ASCII.test(charset) ? "ascii" : undefined;
}
