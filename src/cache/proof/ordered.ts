import { lookUp } from "./lexicon.ts";
import { FUNCTION_WORDS } from "./words/function-words.ts";

/** Expressions for which the order of their arguments matters, even around "and" and "vs". */
const ORDERED =
  /\b(?:and then|respectively|ratio|odds|proportion|quotient|subtract\w*|minus|divid\w+|deduct\w*|in (?:that|this) order|maps? .* to|how much (?:\w+er|more|less)|(?:gain|win|lead|advantage) (?:of|over)|vs\.? .*\b(?:gain|win|lead)|(?:come|goes|go|came)s? (?:first|last|before|after))\b/i;
const WORD = /[\p{L}\p{N}][\p{L}\p{M}\p{N}'_+#-]*/gu;

/** The words of a sentence in which order counts, by their base forms; `undefined` for other sentences. Linear. */
export function readOrder(text: string): readonly string[] | undefined {
  if (!ORDERED.test(text)) return undefined;
  return [...text.toLowerCase().matchAll(WORD)]
    .map(([word]) => word)
    .filter((word) => !FUNCTION_WORDS.has(word) || word.length === 1)
    .map((word) => lookUp(word).lemma);
}

/** Whether words that two sentences share stand in another order, where it counts in one of them. Symmetric. */
export function ordersDiffer(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const [inA, inB] = [new Set(a), new Set(b)];
  const [one, other] = [a.filter((word) => inB.has(word)), b.filter((word) => inA.has(word))];
  return one.length === other.length && one.some((word, at) => word !== other[at]);
}
