import type { Item } from "./item.ts";
import type { Token } from "./token.ts";
import { CONJUNCTIONS, PREPOSITIONS, QUANTIFIERS, TRANSPORT } from "./words/function-words.ts";

const WAY_VERB = /^(?:leav|depart|arriv)(?:e|es|ing|s|ed)?$/;
const WHEN = new Set(
  "morning afternoon evening night noon midnight today tomorrow yesterday tonight monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october november december early late earliest latest first last".split(
    " ",
  ),
);

/** Returns true if "leaving" or "arriving in" before a place only marks the start or end of a way. */
export function isOnItsWay(
  text: string,
  items: readonly Item[],
  next: Token | undefined,
  afterNext: Token | undefined,
): boolean {
  if (!WAY_VERB.test(text) || !items.some(({ entry }) => TRANSPORT.has(entry.lemma))) return false;
  const isArrival = text.startsWith("arriv");
  const marked = isArrival ? /^(?:in|at|to)$/.test(next?.text ?? "") : next?.text === "from";
  const place = marked ? afterNext : next;
  if ((isArrival && !marked) || place?.kind !== "word") return false;
  if (WHEN.has(place.text) || PREPOSITIONS.has(place.text) || CONJUNCTIONS.has(place.text)) return false;
  return !QUANTIFIERS.has(place.text) && !/^(?:the|a|an|this|that|around|no|not)$/.test(place.text);
}
