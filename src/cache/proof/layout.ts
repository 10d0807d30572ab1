/** Line ends of any system. */
const LINE_END = /\r\n|[\n\r\u2028\u2029]/u;
/** White space other than single spaces, and invisible characters. */
const UNUSUAL = /[^\S ]| {2}|[\u00AD\u200B-\u200D\u2060\uFEFF]/;
/** Marks of code, formulas, quotations and payloads, in which each space counts. */
const TO_THE_LETTER = /["“”„«»`{}()[\]<>|=\\;*_~^$#&+]|(?<![\p{L}\p{N}])['’]|['’](?!\p{L})|:\s*\S/u;
/** Words of a question that may ask about lines, spaces or characters. */
const ABOUT_LAYOUT =
  /\b(?:spac(?:e|es|ing)|white ?spaces?|indent\w*|tabs?|lines?|new ?lines?|line ?breaks?|paragraphs?|stanzas?|haikus?|poems?|verses?|columns?|rows?|blanks?|align\w*|padding|format\w*|print\w*|characters?|chars?|bytes?|code ?points?|letters?|length|unicode|utf-?\d+|ascii|invisible|hidden|hash\w*|sha-?\d+|md5|base ?64|encod\w*|trim\w*|split\w*|regex\w*)\b/i;

/** A text with line feeds as its only line ends. */
export function withLineFeeds(text: string): string {
  return OTHER_LINE_END.test(text) ? text.replaceAll(/\r\n|[\r\u2028\u2029]/gu, "\n") : text;
}

const OTHER_LINE_END = /[\r\u2028\u2029]/;

/**
 * The white space and the invisible characters of a prompt that may carry meaning, empty for most. Lines that are indented, have tabs, stand in a
 * fenced block, or have unusual space beside marks of code or quotations are kept as they are. Where the question may be about lines or
 * characters, so is the outline of all lines. Linear.
 */
export function layoutOf(text: string, question: string): string {
  if (!UNUSUAL.test(text)) return "";
  const lines = text.split(LINE_END);
  const kept: string[] = [];
  let isFenced = false;
  for (const line of lines) {
    const isFence = line.trimStart().startsWith("```");
    if (isFenced && !isFence) kept.push(line);
    else if (isLaidOut(line, lines.length > 1)) kept.push(line);
    if (isFence) isFenced = !isFenced;
  }
  if (ABOUT_LAYOUT.test(question)) kept.push(...lines.map(outlineOf), text.includes("\r") ? "\r" : "");
  return kept.join("\n");
}

function isLaidOut(line: string, isOfSeveral: boolean): boolean {
  if (line.includes("\t")) return true;
  if (isOfSeveral && /^\s+\S/.test(line)) return true;
  return UNUSUAL.test(line.trimEnd()) && TO_THE_LETTER.test(line);
}

/** A line with one letter for words that single spaces part. */
function outlineOf(line: string): string {
  return line
    .split(" ")
    .map((word) => (word === "" ? "" : word.replaceAll(/[^\s\u00AD\u200B-\u200D\u2060\uFEFF]+/gu, "x")))
    .join(" ")
    .replaceAll(/x(?: x)+/g, "x");
}
