import type { Clause, Item } from "./clause.ts";
import { HABITS, PRESENT, SOFT_BEFORE_PREPOSITION, SOFT_BEFORE_WAY, TRANSPORT, WHERE } from "./words/function-words.ts";

/** Whether a word may stand on one side alone, since it changes no answer there. */
export function isSoft(clause: Clause, at: number): boolean {
  const { items } = clause;
  const item = items[at] as Item;
  if (item.exact || item.degree !== "" || item.bound.length > 0) return false;
  const { lemma } = item.entry;
  const next = items[at + 1];
  if (WHERE.has(lemma)) return item.word !== "existing" && isPlacing(clause, lemma);
  if (PRESENT.has(lemma)) return isTimely(clause, at);
  if (HABITS.has(item.word)) return isOfAct(items, at);
  if (lemma === "different" || lemma === "various") return isOfKinds(clause, at);
  if (lemma === "available") return [items[at - 1], next].some((one) => TRANSPORT.has(one?.entry.lemma ?? ""));
  if (
    SOFT_BEFORE_PREPOSITION.has(lemma) &&
    next !== undefined &&
    /^(?:by|in|on|at|of|from|to|for|about|with)$/.test(next.mark)
  )
    return true;
  if (
    [lemma, ...item.entry.also].some((one) => SOFT_BEFORE_WAY.has(one)) &&
    next !== undefined &&
    /^(?:from|to|between)$/.test(next.mark) &&
    items.some((one) => one !== item && TRANSPORT.has(one.entry.lemma))
  )
    return true;
  if (lemma === "year" && next?.isNumber === true && /^\d{4}$/.test(next.word)) return true;
  return isRepeated(items, at);
}

/** "Where is it located" asks where it is, and which lakes lie in a country which are there; whether it exists is a question of its own. */
function isPlacing({ form }: Clause, lemma: string): boolean {
  return lemma === "locate" || lemma === "located" || lemma === "situated" || PLACING.has(form);
}

const PLACING: ReadonlySet<Clause["form"]> = new Set(["list", "show", "where", "many", "exists"] as const);

/**
 * Whether a question in the present asks for the present anyway: "the current population". Current members are not all there were, and
 * whether a shop is open now is not whether it is open.
 */
function isTimely({ items, form, tenses, modality }: Clause, at: number): boolean {
  if (tenses.has("past") || tenses.has("future") || modality.size > 0 || !TIMELY.has(form)) return false;
  if (items[at]?.entry.lemma !== "current") return true;
  let head = at + 1;
  while (items[head + 1]?.starts === false) head += 1;
  const noun = items[head];
  return (
    noun !== undefined &&
    items[at + 1]?.starts === false &&
    noun.word === noun.entry.lemma &&
    HELD.has(noun.entry.lemma)
  );
}

const TIMELY: ReadonlySet<Clause["form"]> = new Set([
  "list",
  "show",
  "where",
  "many",
  "much",
  "who",
  "keywords",
] as const);

/** Offices and quantities of which there is one at a time. */
const HELD = new Set(
  (
    "president king queen emperor pope prime minister chancellor mayor governor senator leader head chairman chairwoman chair ceo cto cfo director manager owner holder champion captain coach principal dean speaker secretary ambassador " +
    "population price cost rate value time date weather temperature capital status size area score standing ranking age salary deficit debt gdp inflation version release record"
  ).split(" "),
);

/** Whether an adverb like "typically" says how often something is done; a normally open relay is a kind of relay. */
function isOfAct(items: readonly Item[], at: number): boolean {
  const [act, behind] = [items[at + 1], items[at + 2]];
  if (act === undefined) return true;
  if (act.starts && act.mark !== "") return true;
  const { parts, lemma, also } = act.entry;
  if (act.word === lemma && also.length === 0) return parts.startsWith("v");
  return (also.length > 0 || parts.includes("v")) && (behind === undefined || behind.starts);
}

/** "What are the different options" asks for the options; how many different ones there are, and how to use a different one, is more. */
function isOfKinds({ form, items, article }: Clause, at: number): boolean {
  const next = items[at + 1];
  if (form !== "list" || at > 0 || article.isRequest || next === undefined || next.starts) return false;
  return next.word !== next.entry.lemma && next.entry.lemma !== "artist";
}

/** Returns true for a word that repeats the meaning of its neighbour: "flights that fly". */
function isRepeated(items: readonly Item[], at: number): boolean {
  const item = items[at] as Item;
  return items.some(
    (other, index) =>
      index !== at &&
      Math.abs(index - at) <= 1 &&
      other.entry.lemma !== item.entry.lemma &&
      other.entry.groups.some((one) => item.entry.groups.includes(one)),
  );
}
