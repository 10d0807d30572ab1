import { normalise } from "../internal/normalise.ts";

/** Final punctuation that does not change the meaning; after a digit or a single letter it may (5!, n!). */
const ENDING = /(?<=\p{L}[\p{L}\p{M}])!+$|(?<![.…])[.…]+$/u;
const QUOTES_BEFORE = /^["“„«‹]+/u;
/** Quotes behind a digit are feet and inches, a lone one behind a letter a prime or a genitive. */
const QUOTES_BEHIND = /(?<![\p{N}"”“»›])["”“»›]+(?=[.,;:!?…]*$)/u;

/**
 * Splits a text into words, with one spelling for differences that do not change the meaning: white space, double quotes around words, a
 * final full stop or exclamation mark, and an initial capital. Everything else stays, because it may change the meaning: order, symbols,
 * commas and other inner marks ("Execute, not pardon"), brackets ("2 * (3 + 4)"), a question mark, case ("US" and "us", "Mb" and "MB"),
 * quotes after digits (feet and inches). Pure, linear.
 */
function wordsOf(text: string): string[] {
  const words = normalise(text, "NFC")
    .split(/\s+/u)
    .filter((word) => word !== "")
    .map((word) => word.replace(QUOTES_BEFORE, "").replace(QUOTES_BEHIND, ""));
  const last = words.length - 1;
  return words
    .map((word, at) => (at === last ? word.replace(ENDING, "") : word))
    .map((word, at) => (at === 0 && /^(?:\p{Lu}\P{Lu}+|[AI])$/u.test(word) ? word.toLowerCase() : word))
    .filter((word) => word !== "");
}

/** Contractions with only one long form: not `'s` and `'d`, which have two, nor "can not", which may also mean "may leave it". */
const LONG_FORMS: readonly (readonly [short: RegExp, long: string])[] = [
  [/\bcan[’']t\b/giu, "cannot"],
  [/\bwon[’']t\b/giu, "will not"],
  [/\b(do|does|did|is|are|was|were|has|have|had|would|could|should|must|need)n[’']t\b/giu, "$1 not"],
  [/\b(i)[’']m\b/giu, "$1 am"],
  [/\b(\w+)[’']re\b/giu, "$1 are"],
  [/\b(\w+)[’']ve\b/giu, "$1 have"],
  [/\b(\w+)[’']ll\b/giu, "$1 will"],
  [/\bvery much\b/giu, "a lot"],
];

/**
 * A text as facts are compared and found by it: the same for two texts that are the same words in the same order, but for short forms
 * ("doesn't", "does not") and "a lot" for "very much". Anything else may turn a statement round ("tea over coffee", "before" and "after", "am"
 * and "pm"), and a repetition that is kept twice costs less than a statement that is lost. Pure.
 */
export function plainWording(text: string): string {
  const long = LONG_FORMS.reduce((said, [short, form]) => said.replace(short, form), text);
  return wordsOf(long).join(" ") || text.trim();
}

/** Returns true if two texts have the same words after normalisation: see `plainWording`. Pure, symmetric. */
export function sameWording(a: string, b: string): boolean {
  return plainWording(a) === plainWording(b);
}
