import { endMarksOf } from "./end-marks.ts";

/**
 * Literal parts of a sentence: formulas, code and quotations. Two sentences with equivalent words must have the same ones in the same
 * order: "(2+3)*4" is not "2+(3*4)", nor "f(g)" "g(f)".
 */
export interface Literal {
  /** Brackets, operators and lone signs with the words that they touch, in order. */
  readonly signs: string;
  /** Contents of quotation marks and backticks, in order. */
  readonly quotes: readonly string[];
  /** Marks at its end that are more than its end. */
  readonly end: string;
  /** The whole sentence, with white space folded. */
  readonly text: string;
}

const PIECE =
  /https?:\/\/\S+|[\w.+-]{1,64}@[\w-]{1,64}\.[\w.]{1,64}|\d+(?:[.,:]\d+)*(?:st|nd|rd|th)?|[\p{L}_][\p{L}\p{M}\p{N}_]*(?:[.'][\p{L}_][\p{L}\p{M}\p{N}_]*)*(?:\+\+|#(?![\p{L}\p{N}]))?|\S/gu;
const MAY_BE_LITERAL =
  /[^\p{L}\p{M}\p{N}\s.,?!'’%$€£°&-]|['&!,][\s\S]*['&!,]|\d['!]|![\p{L}\p{N}(]| [?.:;,!] |\p{N}, ?-?\p{N}|-\(|\)-|\b\p{L}-\p{L}\b/u;
const QUOTED = /"([^"]{1,200})"|`([^`]{1,200})`|(?<=^|\s)'([^'\n]{1,100})'(?=[\s.,;:?!)]|$)/g;
/** White space that is no single space. */
const UNUSUAL_SPACE = /[^\S ]| {2}/;
const NOTHING: Omit<Literal, "text" | "end"> = { signs: "", quotes: [] };

interface Piece {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** Reads a sentence to the letter. Linear. */
export function readLiteral(sentence: string): Literal {
  const unescaped = sentence.includes("\\") ? sentence.replaceAll(/\\(?=")/g, "") : sentence;
  const text = (UNUSUAL_SPACE.test(unescaped) ? unescaped.replaceAll(/\s+/g, " ") : unescaped).trim();
  const end = endMarksOf(sentence);
  if (!MAY_BE_LITERAL.test(text)) return { ...NOTHING, end, text };
  const quotes = [...text.matchAll(QUOTED)].map(([, double, tick, single]) => (double ?? tick ?? single ?? "").trim());
  return { signs: signsOf(text), quotes, end, text };
}

/** Returns true if two sentences differ in literal parts. Symmetric. */
export function literalsDiffer(a: Literal, b: Literal): boolean {
  if (a.signs !== b.signs || a.end !== b.end) return true;
  if (a.quotes.length === b.quotes.length) return a.quotes.some((quote, at) => quote !== b.quotes[at]);
  // A quotation in only one of them must occur in the other without quotation marks.
  return !holds(a, b) || !holds(b, a);
}

function holds({ quotes }: Literal, other: Literal): boolean {
  const text = other.text.toLowerCase();
  return quotes.every((quote) => other.quotes.includes(quote) || text.includes(quote.toLowerCase()));
}

const BINARY = /^[=+*/<>|&^~\\-]$/;
const ALWAYS = /^[[\]{}<>=^~|+]$/;
const LONE = /^[?.:;!]$/;
const MONTH =
  /^(?:jan(?:uary)?|feb(?:ruary)?|march|mar|april|apr|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)$/i;
const OPERAND = /^[\p{L}\p{N}_)\]]/u;

function signsOf(text: string): string {
  const pieces: Piece[] = [...text.matchAll(PIECE)].map(({ 0: piece, index }) => ({
    text: piece,
    from: index,
    to: index + piece.length,
  }));
  const counts = pieces.map((_, at) => isSign(pieces, at, text));
  countBrackets(pieces, counts);
  const shown = new Set<number>();
  counts.forEach((isCounted, at) => {
    if (!isCounted) return;
    shown.add(at);
    const { text: sign, from, to } = pieces[at] as Piece;
    const reach = BINARY.test(sign) || sign === "," ? 1 : 0;
    if (at > 0 && from - (pieces[at - 1] as Piece).to <= reach) shown.add(at - 1);
    if (at + 1 < pieces.length && (pieces[at + 1] as Piece).from - to <= reach) shown.add(at + 1);
  });
  // The sentence's final mark does not count.
  const last = pieces.length - 1;
  if (/^[.?!]$/.test(pieces[last]?.text ?? "") && counts[last] !== true) shown.delete(last);
  return [...shown]
    .toSorted((a, b) => a - b)
    .map((at) => pieces[at]?.text)
    .join(" ");
}

/** Returns true for a sign that counts; round brackets are handled later. */
function isSign(pieces: readonly Piece[], at: number, text: string): boolean {
  const { text: sign, from, to } = pieces[at] as Piece;
  if (ALWAYS.test(sign)) return true;
  const [before, after] = [pieces[at - 1], pieces[at + 1]];
  const [left, right] = [text[from - 1] ?? " ", text[to] ?? " "];
  if (sign === "*") return before !== undefined && after !== undefined && (left === " ") === (right === " ");
  if (sign === "&") return left === "&" || right === "&";
  if (sign === "/") return !/^\p{L}/u.test(before?.text ?? "x") || !/^\p{L}/u.test(after?.text ?? "x");
  if (sign === "-")
    return left === ")" || right === "(" || (isLetter(before) && isLetter(after) && left !== " " && right !== " ");
  if (sign === "!" && (/[\p{L}\p{N}([=]/u.test(right) || /[\d)\]]/.test(left))) return true;
  // "March 2, 1836" is a date.
  if (sign === "," && isNumber(before) && isNumber(after, pieces[at + 2]))
    return !MONTH.test(pieces[at - 2]?.text ?? "");
  if (LONE.test(sign)) return left === " " && after !== undefined && /[\s"'`)]/.test(right) && OPERAND.test(after.text);
  if (sign === "'" || sign === '"')
    return /\d/.test(left) || text[from + 2] === sign || text[from - 2] === sign || left === sign || right === sign;
  return false;
}

function isLetter(piece: Piece | undefined): boolean {
  return piece !== undefined && /^\p{L}$/u.test(piece.text);
}

function isNumber(piece: Piece | undefined, next?: Piece): boolean {
  return piece !== undefined && (/^\d/.test(piece.text) || (piece.text === "-" && /^\d/.test(next?.text ?? "")));
}

/** Counts the round brackets of calls, formulas and tuples, and those without a partner; not the ones of a remark: "the speed (in knots)". */
function countBrackets(pieces: readonly Piece[], counts: boolean[]): void {
  const open: number[] = [];
  pieces.forEach(({ text }, at) => {
    if (text === "(") open.push(at);
    if (text !== ")") return;
    const from = open.pop();
    counts[at] = from === undefined || isFormula(pieces, counts, from, at);
    if (from !== undefined && counts[at]) counts[from] = true;
  });
  for (const at of open) counts[at] = true;
}

function isFormula(pieces: readonly Piece[], counts: readonly boolean[], from: number, to: number): boolean {
  const before = pieces[from - 1];
  const isCall = before !== undefined && before.to === pieces[from]?.from && OPERAND.test(before.text);
  const inside = pieces.slice(from + 1, to);
  if (isCall) return !(inside.length === 1 && /^e?s$/.test(inside[0]?.text ?? ""));
  const isCounted = counts.slice(from, to + 1).some(Boolean) || counts[from - 1] === true || counts[to + 1] === true;
  return isCounted || inside.every((piece) => /^[?.:;,!]$/.test(piece.text));
}
