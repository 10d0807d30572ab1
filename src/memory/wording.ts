const OPENING = /^[\p{Ps}\p{Pi}"']+/u;
/** From the first of a run of marks only: tried from each of them, a long run would take quadratic time. */
const CLOSING = /(?<![\p{Pe}\p{Pf}"'.,;:!…])[\p{Pe}\p{Pf}"'.,;:!…]+$/u;

/**
 * The words of a text, one spelling for what does not change what it says: white space, brackets and quotes around words, punctuation behind
 * them, and the capital that begins a text. What may change it stays: order, symbols, a question mark, case ("US" and "us", "Mb" and "MB"),
 * quotes behind digits (feet and inches). Pure, linear.
 */
export function wordsOf(text: string): string[] {
  const words = text
    .normalize("NFC")
    .split(/\s+/u)
    .map((word) => withoutClosing(word.replace(OPENING, "")))
    .filter((word) => word !== "");
  return words.map((word, at) => (at === 0 && /^(?:\p{Lu}\P{Lu}+|[AI])$/u.test(word) ? word.toLowerCase() : word));
}

function withoutClosing(word: string): string {
  const at = word.search(CLOSING);
  if (at < 0) return word;
  const unit = /\p{N}/u.test(word.charAt(at - 1)) ? word.slice(at).replace(/[^"']/gu, "") : "";
  return word.slice(0, at) + unit;
}

/** Short forms that stand for one long form alone: not `'s` and `'d`, which stand for two. */
const LONG_FORMS: readonly (readonly [short: RegExp, long: string])[] = [
  [/\bcan[’']t\b|\bcannot\b/giu, "can not"],
  [/\bwon[’']t\b/giu, "will not"],
  [/\b(do|does|did|is|are|was|were|has|have|had|would|could|should|must|need)n[’']t\b/giu, "$1 not"],
  [/\b(i)[’']m\b/giu, "$1 am"],
  [/\b(\w+)[’']re\b/giu, "$1 are"],
  [/\b(\w+)[’']ve\b/giu, "$1 have"],
  [/\b(\w+)[’']ll\b/giu, "$1 will"],
  [/\bvery much\b/giu, "a lot"],
];

/**
 * Whether two texts say the same by their words alone: the same ones in the same order, but for short forms ("doesn't", "does not") and
 * "a lot" for "very much". Anything else may turn a statement round ("tea over coffee", "before" and "after", "am" and "pm"), and a repetition
 * that is kept twice costs less than a statement that is lost. Pure, symmetric.
 */
export function sameWording(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => {
    const long = LONG_FORMS.reduce((said, [short, form]) => said.replace(short, form), text);
    return wordsOf(long).join(" ");
  });
  return left === right;
}
