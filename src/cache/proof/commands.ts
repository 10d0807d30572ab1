import type { Form } from "./frame.ts";
import { lookUp } from "./lexicon.ts";
import { isCapital, type Token } from "./token.ts";
import { FUNCTION_WORDS, PREPOSITIONS, QUANTIFIERS } from "./words/function-words.ts";

/** Acts that somebody does for another one: behind them a number or a name makes an order as well. */
const ERRANDS = new Set(
  (
    "transfer pay send cancel delete buy sell order book reserve call email refund restart translate remind schedule invite message text wire donate deposit withdraw ship mail rent hire fire block unblock " +
    "approve reject submit assign move play set start stop kill drop"
  ).split(" "),
);

const DETERMINERS = /^(?:a|an|the|this|that|these|those|my|our|your|his|her|their|its|me|us)$/;

/** A year is often a part of keywords: "cancel flight 2024". */
const YEAR = /^(?:19|20)\d\d$/;

/**
 * Classifies a sentence without its lead-in as an order: it begins with a verb and is complete, with articles or owners. "Cancel my order"
 * is one; "reset password iphone" is a search, and "want to cancel an order" asks how. An order with a name or a number is an errand.
 */
export function orderOf(form: Form, [act, ...rest]: readonly Token[]): "tells" | "errand" | "" {
  if (
    (form !== "keywords" && form !== "statement") ||
    act?.kind !== "word" ||
    act.exact ||
    FUNCTION_WORDS.has(act.text)
  )
    return "";
  const { lemma, parts } = lookUp(act.text.split("_")[0] as string);
  if (!/v|^$/.test(parts) || (lemma !== act.text && !act.text.includes("_"))) return "";
  if (ERRANDS.has(act.text) && isErrand(act, rest)) return "errand";
  const isFull = ({ text, kind }: Token) => kind === "word" && (DETERMINERS.test(text) || QUANTIFIERS.has(text));
  return rest.some(isFull) ? "tells" : "";
}

/** Returns true if an order contains a name or a number: "transfer 500 dollars to Anna", but not "CANCEL ORDER" or "Cancel Order". */
function isErrand(act: Token, rest: readonly Token[]): boolean {
  if (rest.some(({ kind, text }) => kind === "number" && !YEAR.test(text))) return true;
  const words = rest.filter(({ kind, text }) => kind === "word" && !FUNCTION_WORDS.has(text));
  const names = words.filter(({ raw }) => isCapital(raw));
  // In a title, and where all is in capitals, they name nobody.
  const isTitle = names.length === words.length && words.length > 1;
  const isSentence = rest.some(({ text, raw }) => PREPOSITIONS.has(text) && !isCapital(raw));
  return names.length > 0 && (!isTitle || isSentence) && !isCapital(act.raw.slice(1));
}
