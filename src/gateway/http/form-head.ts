/** What the head of one part says. */
export interface PartHead {
  readonly name: string;
  readonly isFile: boolean;
  /** Whether the name and the kind are the same whether or not `\` escapes within quotation marks: senders differ in this. */
  readonly isPlain: boolean;
}

const HEADER = /^[a-z0-9][!#$%&'*+.^_`|~\w-]*[ \t]*:/i;
const DISPOSITION = /^content-disposition[ \t]*:/i;
const FORM_DATA = /^content-disposition:[ \t]*form-data[ \t]*(;.*)$/i;
const FILE = /;\s*filename[*\d]*\s*=/i;
// Control characters, which readers take for ends of lines or of texts. A tab is none.
// oxlint-disable-next-line no-control-regex -- these are what it looks for
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;

/** Both readings of a text in quotation marks, which may look like a parameter and is none. One that does not end goes on to the end. */
const READINGS = [
  { quoted: /"[^"]*(?:"|$)/g, whole: /^"([^"]*)"$/, escapes: false },
  { quoted: /"(?:[^"\\]|\\.)*(?:"|\\?$)/g, whole: /^"((?:[^"\\]|\\.)*)"$/, escapes: true },
];

/**
 * Reads the head of one part, without the empty line at its end. Linear. Pure. Returns a text that says what is wrong, if the head is
 * malformed, or readers could disagree about its headers.
 */
export function readPartHead(head: string): PartHead | string {
  const lines = head.split("\r\n").filter((line) => line !== "");
  // This also finds folded lines, and lines that end otherwise than by CRLF.
  if (lines.some((line) => !HEADER.test(line) || CONTROL.test(line))) return "has a part with a malformed header";
  const [disposition, ...more] = lines.filter((line) => DISPOSITION.test(line));
  const text = FORM_DATA.exec(disposition ?? "")?.[1];
  if (text === undefined || more.length > 0) return ONE_NAME;
  const [plain, escaped] = READINGS.map((reading) => {
    const outside = outsideOf(text, reading);
    return { names: valuesOf(text, outside, reading, "name"), isFile: FILE.test(outside) };
  });
  const [a, b] = [plain?.names ?? [], escaped?.names ?? []];
  const name = a[0] ?? b[0];
  if (a.length > 1 || b.length > 1 || name === undefined || [...a, ...b].includes(undefined) || isOpen(text))
    return ONE_NAME;
  const isPlain = a[0] === b[0] && plain?.isFile === escaped?.isFile;
  // A name that one reading hides is that of a field, if it is so by either.
  const field = [a[0], b[0]].find((one) => one === "model" || one === "user");
  return { name: field ?? name, isFile: plain?.isFile === true || escaped?.isFile === true, isPlain };
}

const ONE_NAME = "must have one content-disposition with one name in each part";

/** Returns the boundary that a content type names once by either reading, or a text that says what is wrong. Pure. */
export function readBoundary(contentType: string): { readonly boundary: string } | string {
  const found = READINGS.map((reading) => valuesOf(contentType, outsideOf(contentType, reading), reading, "boundary"));
  if (found.every((values) => values.length === 0)) return "has no boundary";
  const [boundary] = found[0] ?? [];
  if (found.some((values) => values.length !== 1 || values[0] !== boundary)) return "has more than one boundary";
  if (boundary === undefined || boundary === "" || boundary.length > 70) return "has no boundary of 1 to 70 characters";
  return { boundary };
}

type Reading = (typeof READINGS)[number];

/** Blanks what stands in quotation marks, at its length. */
function outsideOf(text: string, { quoted }: Reading): string {
  return text.replaceAll(quoted, (one) => `"${"_".repeat(Math.max(0, one.length - 2))}"`.slice(0, one.length));
}

/** Returns the values of a parameter; `undefined`: one in a form that readers may read otherwise, such as `name*=`. */
function valuesOf(text: string, outside: string, { whole, escapes }: Reading, name: string): (string | undefined)[] {
  return [...outside.matchAll(new RegExp(`;\\s*${name}[*\\d]*\\s*=`, "gi"))].map((found) => {
    if (!found[0].toLowerCase().endsWith(`${name}=`)) return undefined;
    const from = found.index + found[0].length;
    const end = outside.indexOf(";", from);
    const value = text.slice(from, end === -1 ? undefined : end).trimEnd();
    const inner = whole.exec(value)?.[1];
    if (inner !== undefined) return escapes ? inner.replaceAll(/\\(.)/g, "$1") : inner;
    return /^[^\s"]+$/.test(value) ? value : undefined;
  });
}

/** Whether a text in quotation marks does not end, by both readings. */
function isOpen(text: string): boolean {
  return READINGS.every(({ quoted, whole }) => {
    const last = text.match(quoted)?.at(-1);
    return last !== undefined && !whole.test(last);
  });
}
