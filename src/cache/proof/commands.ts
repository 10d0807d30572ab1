import type { Form } from "./frame.ts";
import { lookUp } from "./lexicon.ts";
import type { Token } from "./token.ts";
import { QUANTIFIERS } from "./words/function-words.ts";

const DETERMINERS = /^(?:a|an|the|this|that|these|those|my|our|your|his|her|their|its|me|us)$/;

/**
 * Whether a sentence without its lead-in tells somebody to do something: it begins with a verb and speaks in full, with articles or owners. "Cancel my
 * order" does; "reset password iphone" is a search, and who wants to cancel an order asks how.
 */
export function isCommand(form: Form, [act, ...rest]: readonly Token[]): boolean {
  if (form !== "keywords" || act?.kind !== "word" || act.exact) return false;
  const { lemma, parts } = lookUp(act.text.split("_")[0] as string);
  if (!/v|^$/.test(parts) || (lemma !== act.text && !act.text.includes("_"))) return false;
  return rest.some(({ text, kind }) => kind === "word" && (DETERMINERS.test(text) || QUANTIFIERS.has(text)));
}
