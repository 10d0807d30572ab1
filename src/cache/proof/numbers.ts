import { plain, type Token } from "./token.ts";
import { UNITS } from "./words/phrases.ts";

const SMALL =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const ORDINALS =
  "_ first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth".split(
    " ",
  );
const HUNDRED = 100;
const SCALES = new Map([
  ["hundred", HUNDRED],
  ["thousand", 1_000],
  ["million", 1_000_000],
  ["lakh", 100_000],
  ["crore", 10_000_000],
  ["billion", 1_000_000_000],
  ["trillion", 1_000_000_000_000],
  ["quadrillion", 1_000_000_000_000_000],
]);
/** "Millions of people" are no billions of them. */
const MULTITUDES: ReadonlySet<string> = new Set([...SCALES.keys()].map((scale) => `${scale}s`));
/** Before these "one" points at something. */
const POINTS = new Set(
  "which that this the any each every another good best no other new does do can should would a".split(" "),
);
const SIGNS = new Map([
  ["$", "dollar"],
  ["€", "euro"],
  ["£", "pound-sterling"],
]);

/** Words that begin a number. */
const NUMERAL: ReadonlySet<string> = new Set([...SMALL, ...TENS, ...ORDINALS, ...SCALES.keys(), ...MULTITUDES]);

/** Number words as digits, times of the day and units in one way of writing. */
export function withNumbers(tokens: readonly Token[]): readonly Token[] {
  if (!tokens.some(({ text, kind }) => kind === "number" || NUMERAL.has(text))) return tokens;
  const out: Token[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] as Token;
    if (token.exact && token.kind === "word") {
      out.push(token);
      continue;
    }
    const spoken = token.kind === "word" ? spokenNumber(tokens, at) : undefined;
    if (spoken !== undefined) {
      out.push(number(String(spoken.value)));
      at += spoken.length - 1;
    } else if (SIGNS.has(token.text) && tokens[at + 1]?.kind === "number") {
      out.push(number(amount((tokens[at + 1] as Token).text)), plain(SIGNS.get(token.text) as string));
      at += 1;
    } else if (token.kind === "word" && MULTITUDES.has(token.text)) out.push(number(token.text));
    else out.push(ordinal(token, tokens[at - 1]) ?? token);
    if (out.at(-1)?.kind !== "number") continue;
    const [next, afterNext] = [tokens[at + 1], tokens[at + 2]];
    if (next?.kind === "word" && AMOUNTS.has(next.text)) out[out.length - 1] = number(amount(out.at(-1)?.text ?? ""));
    const last = out.at(-1) as Token;
    const time = timeOfDay(last.text, next?.text ?? "");
    if (time !== undefined) {
      out[out.length - 1] = number(time);
      at += 1;
      if (afterNext?.text === "." && /^[ap]m$/.test(next?.text ?? "") && tokens[at + 2] !== undefined) at += 1;
    } else if (/^\d+:\d\d$/.test(last.text)) out[out.length - 1] = number(`t${last.text.padStart(5, "0")}`);
    else if (next?.kind === "word" && SCALES.has(next.text) && /^-?\d/.test(last.text)) {
      out[out.length - 1] = number(scaled(last.text, SCALES.get(next.text) as number));
      at += 1;
    } else if (next?.kind === "word" && !next.exact && unitOf(next) !== undefined && next.text !== "in") {
      out.push(plain(unitOf(next) as string));
      at += 1;
    }
  }
  return out;
}

/** "Min" alone is the minimum. */
function unitOf({ text, raw }: Token): string | undefined {
  return UNITS.get(text) ?? (raw.toLowerCase() === "min" ? UNITS.get("min") : undefined);
}

/** Words behind a number that make it an amount: "2.50 dollars". */
const AMOUNTS: ReadonlySet<string> = new Set([
  ...UNITS.keys(),
  ...[...UNITS.values()].flatMap((unit) => [unit, `${unit}s`]),
  ..."percent cent cents feet inches million billion trillion lakh crore".split(" "),
]);

/** 2.50 is 2.5 where it is an amount; a version, a section or a code is meant to the letter. */
function amount(text: string): string {
  return /^-?\d+\.\d+$/.test(text) ? text.replace(/\.?0+$/, "") : text;
}

/** Digits whose product with a scale is exact. */
const EXACT_DIGITS = 12;

function scaled(digits: string, scale: number): string {
  if (digits.length > EXACT_DIGITS || !/^-?\d+(?:\.\d+)?$/.test(digits)) return `${digits}x${scale}`;
  return String(Number((Number(digits) * scale).toPrecision(EXACT_DIGITS + 3)));
}

function number(text: string): Token {
  return { text, raw: text, kind: "number", exact: true, owner: false };
}

function ordinal(token: Token, before: Token | undefined): Token | undefined {
  if (token.kind !== "word") return undefined;
  const at = ORDINALS.indexOf(token.text);
  if (at < 1) return undefined;
  if (at === 2 && (before?.kind === "number" || before?.text === "per" || before?.text === "a")) return undefined;
  return number(`o${at}`);
}

/** "twenty five", "two hundred". */
function spokenNumber(
  tokens: readonly Token[],
  at: number,
): { readonly value: number; readonly length: number } | undefined {
  // The thousands and millions before, and what is counted behind them.
  let [total, value, length] = [0, 0, 0];
  for (let index = at; index < tokens.length && length < 6; index += 1) {
    const word = tokens[index]?.text ?? "";
    const small = SMALL.indexOf(word);
    const ten = TENS.indexOf(word);
    const scale = SCALES.get(word);
    if (small >= 0 && (value === 0 || value % 10 === 0) && (value % 100 === 0 || small < 10)) value += small;
    else if (ten > 1 && value % 100 === 0) value += ten * 10;
    // "A million" is one of it, and "a thousand million" a billion.
    else if (scale === undefined) break;
    else if (scale === HUNDRED) value = Math.max(value, 1) * scale;
    else if (value === 0 && total > 0) total *= scale;
    else [total, value] = [total + Math.max(value, 1) * scale, 0];
    length += 1;
  }
  if (length === 0) return undefined;
  if (
    length === 1 &&
    tokens[at]?.text === "one" &&
    (POINTS.has(tokens[at - 1]?.text ?? "") || tokens[at + 1]?.kind !== "word")
  )
    return undefined;
  return { value: total + value, length };
}

function timeOfDay(digits: string, next: string): string | undefined {
  const [, hours = "", minutes = "00"] = /^(\d{1,2})(?::(\d\d))?$/.exec(digits) ?? [];
  if (hours === "" || Number(hours) > 24) return undefined;
  if (next === "oclock") return `t${hours.padStart(2, "0")}:00`;
  if (next !== "am" && next !== "pm") return undefined;
  const hour = (Number(hours) % 12) + (next === "pm" ? 12 : 0);
  return `t${String(hour).padStart(2, "0")}:${minutes}`;
}

/**
 * Normalises a number: 1,000 is 1000, 3rd is an ordinal, and 10:30 is unchanged. Digits are literal: 007 is not 7, nor 3.10 the version
 * 3.1.
 */
export function plainNumber(text: string): string {
  const [, nth] = /^(\d+)(?:st|nd|rd|th)$/.exec(text) ?? [];
  if (nth !== undefined) return `o${nth}`;
  return /^-?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(text) ? text.replaceAll(",", "") : text;
}
