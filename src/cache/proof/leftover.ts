import type { Clause, Item } from "./clause.ts";
import { sameForm } from "./forms.ts";
import type { Level } from "./level.ts";
import { isSoft } from "./soft.ts";
import type { Veto } from "./veto.ts";
import { CLASSES, ESTEEM, HABITS, LIGHT, LIGHT_PLURALS, PREPOSITIONS } from "./words/function-words.ts";

/** The words without a partner must be ones that change no answer. */
export function leftoverOf(
  a: Clause,
  left: readonly number[],
  b: Clause,
  right: readonly number[],
  level: Level,
): Veto | undefined {
  const [aloneA, aloneB] = [alone(a, left), alone(b, right)];
  // "What is available" differs from "what is located": of such empty words, only one side has some.
  if (hasLeft(a, left) && hasLeft(b, right)) return "words";
  if (habitsDiffer(a, left, b, right)) return "added";
  if (aloneA.length === 0 && aloneB.length === 0) return areWhereAndWhat(a, b) ? "question" : undefined;
  if (aloneA.length === a.items.length || aloneB.length === b.items.length) return "words";
  if (aloneA.length > 0 && aloneB.length > 0) return "words";
  if (level === "strict") return "added";
  const budget = level === "balanced" ? 1 : 2;
  const isEasy = (clause: Clause, items: readonly Item[]) =>
    items.length <= budget &&
    items.every(
      (item) =>
        (isLight(clause.items, item) && !isAct(clause, item) && !isAsserted(clause, item)) ||
        isClass(clause.items, item) ||
        isAside(clause, item) ||
        isAskedFor(a, b, item),
    );
  if (!sameForm(a, b, "strict") && ![...aloneA, ...aloneB].every((item) => isAskedFor(a, b, item))) return "added";
  return isEasy(a, aloneA) && isEasy(b, aloneB) ? undefined : "added";
}

function alone(clause: Clause, pairs: readonly number[]): Item[] {
  return clause.items.filter((_, at) => pairs[at] === -1 && !isSoft(clause, at));
}

/** Returns true for the act of an instruction: its first word. */
function isAct({ form, items }: Clause, item: Item): boolean {
  return items[0] === item && (form === "keywords" || form === "how" || form === "want" || form === "display");
}

/** Returns true for the part that a yes-no question asks about: its last noun ("a waterproof case"), or a possibility or obligation. */
function isAsserted({ form, items, modality }: Clause, item: Item): boolean {
  if (form !== "yesno") return false;
  const at = items.indexOf(item);
  const isEnd = items[at + 1] === undefined || items[at + 1]?.starts === true;
  return (at === 0 && modality.size > 0) || (!item.starts && isEnd && item.entry.parts.startsWith("n"));
}

/** A noun that classes the name behind it. */
function isClass(items: readonly Item[], item: Item): boolean {
  if (!CLASSES.has(item.entry.lemma) || item.bound.length > 0 || item.degree !== "" || item.exact) return false;
  const next = items[items.indexOf(item) + 1];
  return next !== undefined && (next.exact || next.isName || next.entry.parts === "");
}

/** Content words from which words of esteem, participles after their noun, and repeated words, count little in a question. */
const ASIDE_FROM = 6;

/** "The (leading) workshop of the 17th century that …", "which process (developed) during the revolution …", "pairs of (pairs of) primes". */
function isAside({ items }: Clause, item: Item): boolean {
  const { word, entry, exact, isName, degree, bound } = item;
  if (items.length < ASIDE_FROM || exact || isName || degree !== "" || bound.length > 0) return false;
  const isSaidAgain = items.some((one) => one !== item && one.entry.lemma === entry.lemma && one.degree === "");
  if (ESTEEM.has(word) || isSaidAgain) return true;
  const next = items[items.indexOf(item) + 1];
  const isBehind = !item.starts && next?.starts === true && PREPOSITIONS.has(next.mark);
  return isBehind && word.endsWith("ed") && (entry.lemma !== word || entry.also.length > 0) && !TURNS.has(entry.lemma);
}

/** Nouns that a question word implies: "when", "in which year". */
const ASKED_FOR: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["when", new Set(["year"])],
  ["where", new Set(["place", "location", "country", "city", "town", "state", "resource"])],
  ["who", new Set(["person"])],
]);

/** Returns true if one side's question word already implies a word that only the other side has. */
function isAskedFor(a: Clause, b: Clause, { entry }: Item): boolean {
  const isNamed = ({ form }: Clause) => form === "list" || form === "keywords";
  const one = isNamed(a) ? b : a;
  return isNamed(a) !== isNamed(b) && ASKED_FOR.get(one.form)?.has(entry.lemma) === true;
}

/** Verbs that reverse or limit the verb after them; as participles they classify a thing: "a forgotten password". */
const TURNS = new Set(
  "stop quit cease avoid prevent refuse fail forget cancel undo deny ban block reject reverse lose leave depart arrive".split(
    " ",
  ),
);
const PARTICIPLES = /ed$|en$|^(?:lost|left)$/;

/**
 * Returns true for a word with little meaning: frequent and vague, or a verb that relates nothing; not a name, a number or another
 * adjective. "Papers citing Ann" are not Ann's papers.
 */
function isLight(items: readonly Item[], item: Item): boolean {
  const { word, entry, exact, isName, degree, bound, starts } = item;
  if (exact || isName || degree !== "" || bound.length > 0) return false;
  if (TURNS.has(entry.lemma) && !PARTICIPLES.test(word)) return false;
  if (isOfCompound(items, item)) return false;
  if (LIGHT.has(entry.lemma) || LIGHT_PLURALS.has(word)) return true;
  return (
    entry.parts.startsWith("v") &&
    !/[ar]/.test(entry.parts) &&
    !word.endsWith("ed") &&
    (starts || !relates(items, item))
  );
}

/**
 * Returns true for a part of a compound or a name: a guide dog is more than a dog, a phone case no phone, and Good Friday not each Friday.
 * A word for what is told about a thing ("python tutorial", "refund details") is no such part at the end.
 */
function isOfCompound(items: readonly Item[], item: Item): boolean {
  const at = items.indexOf(item);
  const [before, next] = [items[at - 1], items[at + 1]];
  const follows = next !== undefined && !next.starts && next.mark === "" && !next.isNumber ? next : undefined;
  if (follows !== undefined && (follows.isName || follows.entry.isName) && /a/.test(item.entry.parts)) return true;
  if (!item.entry.parts.includes("n") || (item.word !== item.entry.lemma && !item.word.endsWith("s"))) return false;
  if (item.hasSubject) return false;
  if (follows !== undefined && !item.entry.parts.startsWith("a") && isNoun(follows))
    return !(ASKS.has(item.word) && follows.word.endsWith("s"));
  return (
    !item.starts &&
    before !== undefined &&
    isNoun(before) &&
    (item.entry.parts.startsWith("n") || item.word === "set") &&
    !TOLD.has(item.entry.lemma)
  );
}

function isNoun({ entry, exact }: Item): boolean {
  return !exact && /^n|^$|^vn/.test(entry.parts);
}

/** Verbs before the things that are asked for: "postgres list tables". */
const ASKS = new Set(["list", "find", "get", "see", "search"]);

/** What is told about the noun before it. */
const TOLD = new Set(
  "example detail info information meaning definition tutorial explanation discussion topic list overview advice introduction tip help".split(
    " ",
  ),
);

/**
 * Returns true for a verb after a noun, which relates it to another one ("papers that cite Ann"), or is a noun itself ("cancel the order
 * return").
 */
function relates(items: readonly Item[], item: Item): boolean {
  const at = items.indexOf(item);
  const before = items[at - 1];
  return before !== undefined && /^n|^$/.test(before.entry.parts);
}

/** Returns true for a place against a thing, unless the question names a place: "where is a good restaurant in Bonn". */
export function areWhereAndWhat(a: Clause, b: Clause): boolean {
  if ([a.form, b.form].toSorted().join(" ") !== "list where") return false;
  return !a.items.some(({ mark }) => /^(?:in|on|at|near)$/.test(mark));
}

/** Words for the present, which are equivalent. */
const NOW = new Set("now current currently present presently nowadays existing".split(" "));

function hasLeft({ items }: Clause, pairs: readonly number[]): boolean {
  return items.some(({ word }, at) => pairs[at] === -1 && !NOW.has(word));
}

/** Distinguishes "usually" from "now", and in a yes-no question also from no adverb. */
function habitsDiffer(a: Clause, left: readonly number[], b: Clause, right: readonly number[]): boolean {
  const isAlone = ({ items }: Clause, pairs: readonly number[], list: ReadonlySet<string>) =>
    items.some(({ word }, at) => pairs[at] === -1 && list.has(word));
  const [one, other] = [isAlone(a, left, HABITS), isAlone(b, right, HABITS)];
  if ((one && isAlone(b, right, NOW)) || (other && isAlone(a, left, NOW))) return true;
  return (one || other) && a.form === "yesno" && b.form === "yesno";
}
