import { align, isSoft, type Alignment } from "./align.ts";
import { sameMark } from "./arrange.ts";
import { ITEMS_MAX, type Clause, type Item } from "./clause.ts";
import { articlesDiffer } from "./definite.ts";
import { compoundsDiffer, definitionsDiffer } from "./definition.ts";
import { sameForm } from "./forms.ts";
import { fromBetween, toActive } from "./passive.ts";
import { inflectionsDiffer } from "./inflection.ts";
import type { Level } from "./level.ts";
import { rolesDiffer } from "./roles.ts";
import { timesDiffer } from "./times.ts";
import type { Veto } from "./veto.ts";
import { CLASSES, ESTEEM, LIGHT, LIGHT_PLURALS, PREPOSITIONS } from "./words/function-words.ts";

/** Proves that one answer serves two sentences, or gives the first reason against it. Pure and symmetric. */
export function proveClauses(first: Clause, second: Clause, level: Level): Veto | undefined {
  const [a, b] = level === "strict" ? [first, second] : [fromBetween(first), fromBetween(second)];
  const reason = proveOnce(a, b, level);
  if (reason === undefined) return undefined;
  const [activeA, activeB] = [toActive(a), toActive(b)];
  if (activeA === undefined && activeB === undefined) return reason;
  const others: (readonly [Clause | undefined, Clause | undefined])[] = [
    [activeA, b],
    [a, activeB],
    [activeA, activeB],
    ...(a.form === "keywords" ? [[toActive(a, true), b] as const] : []),
    ...(b.form === "keywords" ? [[a, toActive(b, true)] as const] : []),
  ];
  const proven = others.some(
    ([one, other]) =>
      one !== undefined &&
      other !== undefined &&
      proveOnce({ ...one, isBare: false }, { ...other, isBare: false }, level, true) === undefined,
  );
  return proven ? undefined : reason;
}

/** `isTurned` says that a passive was made active. */
function proveOnce(a: Clause, b: Clause, level: Level, isTurned = false): Veto | undefined {
  if (a.items.length > ITEMS_MAX || b.items.length > ITEMS_MAX) return "length";
  if (a.items.length === 0 || b.items.length === 0) return "empty";
  const cheap = classesDiffer(a, b, level, isTurned);
  if (cheap !== undefined) return cheap;
  const alignment = align(a, b, level);
  if (alignment === undefined) return "words";
  if (alignment.isSame && areWhereAndWhat(a, b)) return "question";
  const words = alignment.isSame ? undefined : wordsDiffer(a, alignment.a, b, alignment.b, level, isTurned);
  if (words !== undefined) return words;
  const bindings = bindingsDiffer(a, b, alignment, level);
  if (bindings !== undefined) return bindings;
  return rolesDiffer(a, b, alignment, level) ? "roles" : undefined;
}

/** Whether partners are other words after all, or a word that counts has none. */
function wordsDiffer(
  a: Clause,
  left: readonly number[],
  b: Clause,
  right: readonly number[],
  level: Level,
  isTurned: boolean,
): Veto | undefined {
  if (namesDiffer(a, left, b, right) || inflectionsDiffer(a, left, b, right, isTurned)) return "words";
  if ((a.defines || b.defines) && definitionsDiffer(a, left, b, right, level)) return "words";
  if (compoundsDiffer(a, left, b, right)) return "words";
  return leftoverOf(a, left, b, right, level);
}

/** A name in the plural is another name: "Alien" and "Aliens". */
function namesDiffer(a: Clause, left: readonly number[], b: Clause, right: readonly number[]): boolean {
  return a.items.some((item, at) => {
    const pair = left[at] as number;
    const other = pair < 0 || !item.isName ? undefined : b.items[right.indexOf(pair)];
    return other?.isName === true && (`${item.word}s` === other.word || item.word === `${other.word}s`);
  });
}

/** What can be told without holding words against each other. */
function classesDiffer(a: Clause, b: Clause, level: Level, isTurned: boolean): Veto | undefined {
  if (!sameForm(a, b, level)) return "question";
  if (!sameList(numbersOf(a), numbersOf(b))) return "number";
  if (a.negations !== b.negations) return "negation";
  if (!sameList(a.symbols, b.symbols)) return "symbol";
  if (!sameTail(a, b)) return "preposition";
  if (level !== "aggressive") {
    const times = timesDiffer(a, b, level, isTurned);
    if (times !== undefined) return times;
    if (!samePersons(a, b) || !sameObjects(a, b)) return "person";
  }
  if (!sameList(a.joints.toSorted(), b.joints.toSorted())) return "conjunction";
  if (level !== "aggressive" && articlesDiffer(a, b)) return "quantifier";
  return undefined;
}

function numbersOf({ items }: Clause): string[] {
  return items
    .filter(({ isNumber }) => isNumber)
    .map(({ word }) => word)
    .toSorted();
}

const IDLE_TAIL = new Set(["of", "in", "to", "for", "at", "from", "with", "on", "about"]);

function sameTail(a: Clause, b: Clause): boolean {
  const strong = ({ tail }: Clause) => tail.filter((word) => !IDLE_TAIL.has(word)).toSorted();
  if (!sameList(strong(a), strong(b))) return false;
  // "Who is Luke the father of" is not "who is the father of Luke".
  const crossed = (one: Clause, other: Clause) =>
    one.tail.some(
      (word) =>
        !other.tail.includes(word) &&
        other.items.some(({ mark }) => mark === word || (mark === "inf" && word === "to")),
    );
  if (crossed(a, b) || crossed(b, a)) return false;
  // "Where did it move from" is not "where did it move to".
  const [one, other] = [a.tail.filter((word) => IDLE_TAIL.has(word)), b.tail.filter((word) => IDLE_TAIL.has(word))];
  if (a.items.at(-1)?.entry.lemma !== b.items.at(-1)?.entry.lemma) return true;
  return one.length === 0 || other.length === 0 || one.some((word) => other.some((mark) => sameMark(word, mark)));
}

const THIRD = new Set(["he", "she", "they"]);

function samePersons(a: Clause, b: Clause): boolean {
  // With a third person in it, who does what to whom counts.
  if ([...a.persons, ...b.persons].some((one) => THIRD.has(one))) return sameList(a.persons, b.persons);
  const generic = (clause: Clause) =>
    clause.persons.filter(
      (one) => !(one === "1" || (one === "2" && clause.form !== "yesno") || one === "it") || isPersonal(clause),
    );
  return sameList(generic(a), generic(b));
}

/** Verbs that do something for somebody: "send me the list" is "send the list". */
const FOR_SOMEBODY = new Set(
  "give show send tell help let get find buy bring make take cost charge allow pay offer teach lend write read want need enable cause advise recommend suggest".split(
    " ",
  ),
);

/** "How do I stop loving someone" is not "how do I stop someone loving me", nor is "remind me to call mom" "remind mom to call me". */
function sameObjects(a: Clause, b: Clause): boolean {
  const strong = (list: readonly string[]) => list.filter((one) => one !== " me").toSorted();
  const [one, other] = [strong(a.objects), strong(b.objects)];
  if (one.length === other.length) {
    // A synonym may stand before it: then the other words tell.
    const [onlyOne, onlyOther] = [
      one.filter((object) => !other.includes(object)),
      other.filter((object) => !one.includes(object)),
    ];
    const isElsewhere = (list: readonly string[], clause: Clause) =>
      list.some((object) => {
        const [before] = object.split(" ");
        return clause.items.some(({ entry, mark }) => entry.lemma === before || mark === before);
      });
    return !isElsewhere(onlyOne, b) && !isElsewhere(onlyOther, a);
  }
  const onlyOnce =
    one.length > other.length
      ? one.filter((object) => !other.includes(object))
      : other.filter((object) => !one.includes(object));
  const isBound = (object: string) => PREPOSITIONS.has(object.split(" ")[0] as string);
  return onlyOnce.every((object) => FOR_SOMEBODY.has(object.split(" ")[0] as string) || isBound(object));
}

function isPersonal({ form, modality, tenses }: Clause): boolean {
  if (form === "yesno" && modality.has("can")) return false;
  if (tenses.has("past")) return true;
  return form !== "how" && form !== "want" && form !== "keywords" && form !== "list" && form !== "explain";
}

/** The words without a partner must be ones that change no answer. */
function leftoverOf(
  a: Clause,
  left: readonly number[],
  b: Clause,
  right: readonly number[],
  level: Level,
): Veto | undefined {
  const [aloneA, aloneB] = [alone(a, left), alone(b, right)];
  // "What is available" is not "what is located": of words that say little, only one side has some.
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
  return clause.items.filter((_, at) => pairs[at] === -1 && !isSoft(clause.items, at));
}

/** What an instruction tells to do: its first word. */
function isAct({ form, items }: Clause, item: Item): boolean {
  return items[0] === item && (form === "keywords" || form === "how" || form === "want" || form === "display");
}

/** What is asked of a thing, yes or no: its last noun ("a waterproof case"), or what must or can be done. */
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

/** Content words of a question from which words of esteem, participles behind their noun, and words said before, say little. */
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

/** What a question word asks for: "when", "in which year". */
const ASKED_FOR: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["when", new Set(["year"])],
  ["where", new Set(["place", "location", "country", "city", "town", "state", "resource"])],
  ["who", new Set(["person"])],
]);

/** Where a thing is does not tell what it is, unless the question says in which place: "where is a good restaurant in Bonn". */
function areWhereAndWhat(a: Clause, b: Clause): boolean {
  if ([a.form, b.form].toSorted().join(" ") !== "list where") return false;
  return !a.items.some(({ mark }) => /^(?:in|on|at|near)$/.test(mark));
}

function isAskedFor(a: Clause, b: Clause, { entry }: Item): boolean {
  const isNamed = ({ form }: Clause) => form === "list" || form === "keywords";
  const one = isNamed(a) ? b : a;
  return isNamed(a) !== isNamed(b) && ASKED_FOR.get(one.form)?.has(entry.lemma) === true;
}

/** Verbs that turn what they stand before, or say where it begins and ends; as participles they class a thing: "a forgotten password". */
const TURNS = new Set(
  "stop quit cease avoid prevent refuse fail forget cancel undo deny ban block reject reverse lose leave depart arrive".split(
    " ",
  ),
);
const PARTICIPLES = /ed$|en$|^(?:lost|left)$/;

/**
 * A word that says little: frequent and vague, or only a verb that relates nothing; not a name, a number or another adjective. "Papers citing
 * Ann" are not Ann's papers.
 */
function isLight(items: readonly Item[], item: Item): boolean {
  const { word, entry, exact, isName, degree, bound, starts } = item;
  if (exact || isName || degree !== "" || bound.length > 0) return false;
  if (TURNS.has(entry.lemma) && !PARTICIPLES.test(word)) return false;
  if (LIGHT.has(entry.lemma) || LIGHT_PLURALS.has(word)) return true;
  return (
    entry.parts.startsWith("v") &&
    !/[ar]/.test(entry.parts) &&
    !word.endsWith("ed") &&
    (starts || !relates(items, item))
  );
}

/** Whether a verb stands behind a noun: it relates it to another one ("papers that cite Ann"), or is a noun itself ("cancel the order return"). */
function relates(items: readonly Item[], item: Item): boolean {
  const at = items.indexOf(item);
  const before = items[at - 1];
  return before !== undefined && /^n|^$/.test(before.entry.parts);
}

/** Negations, quantifiers and owners are bound to the same words. */
function bindingsDiffer(
  a: Clause,
  b: Clause,
  { a: left, b: right, isSame }: Alignment,
  level: Level,
): Veto | undefined {
  if (isSame && !isBinding(a) && !isBinding(b)) {
    const [one, other] = [a.items[0] as Item, b.items[0] as Item];
    return isOrder(a, 0) !== isOrder(b, 0) && (isDone(one) || isDone(other)) ? "roles" : undefined;
  }
  const at = new Map(b.items.map((item, index) => [right[index] as number, item]));
  const generous = level !== "strict" || isGeneric(a) || isGeneric(b);
  let owners: [string[], string[]] = [[], []];
  const owned = [new Set<string>(), new Set<string>()] as const;
  const [boundA, boundB] = [[...weighed(a.loose, a)], [...weighed(b.loose, b)]];
  for (const [index, item] of a.items.entries()) {
    const other = at.get(left[index] as number);
    owners[0].push(...item.owners);
    for (const owner of item.owners) owned[0].add(`${owner} ${left[index]}`);
    if (
      other !== undefined &&
      isOrder(a, index) !== isOrder(b, b.items.indexOf(other)) &&
      (isDone(item) || isDone(other))
    )
      return "roles";
    if (other === undefined || (left[index] as number) < 0) {
      boundA.push(...weighed(item.bound, a));
      continue;
    }
    if (opposed(item.bound, other.bound)) return "quantifier";
    if (!sameList(weighed(item.bound, a), weighed(other.bound, b)))
      return item.bound.includes("not") || other.bound.includes("not") ? "negation" : "quantifier";
  }
  b.items.forEach((item, index) => {
    owners[1].push(...item.owners);
    for (const owner of item.owners) owned[1].add(`${owner} ${right[index]}`);
    if ((right[index] as number) < 0) boundB.push(...weighed(item.bound, b));
  });
  if (!sameList(boundA.toSorted(), boundB.toSorted())) return "quantifier";
  owners = [owners[0], owners[1]].map((list) => [...new Set(list)].toSorted()) as [string[], string[]];
  // "My interest in savings" is not "the interest on my savings".
  if (sameList(owners[0], owners[1]))
    return isWithin(owned[0], owned[1]) || isWithin(owned[1], owned[0]) ? undefined : "person";
  // "My card" in a question how to do something is "the card".
  const onlyMine =
    [...owners[0], ...owners[1]].every((one) => one === "1" || one === "2") &&
    (owners[0].length === 0 || owners[1].length === 0);
  return onlyMine && generous ? undefined : "person";
}

/** Whether a sentence has negations, quantifiers or owners. */
function isBinding({ items, loose }: Clause): boolean {
  if (loose.length > 0) return true;
  for (const { bound, owners } of items) if (bound.length > 0 || owners.length > 0) return true;
  return false;
}

function isWithin(part: ReadonlySet<string>, whole: ReadonlySet<string>): boolean {
  return [...part].every((one) => whole.has(one));
}

/** Words for the present, of which one says what another one says. */
const NOW = new Set("now current currently present presently nowadays existing".split(" "));

function hasLeft({ items }: Clause, pairs: readonly number[]): boolean {
  return items.some(({ word }, at) => pairs[at] === -1 && !NOW.has(word));
}

const HABITS = new Set("typically usually generally normally commonly".split(" "));

/** What is so mostly is not so now; and of yes or no, nor is it so at all. */
function habitsDiffer(a: Clause, left: readonly number[], b: Clause, right: readonly number[]): boolean {
  const isAlone = ({ items }: Clause, pairs: readonly number[], list: ReadonlySet<string>) =>
    items.some(({ word }, at) => pairs[at] === -1 && list.has(word));
  const [one, other] = [isAlone(a, left, HABITS), isAlone(b, right, HABITS)];
  if ((one && isAlone(b, right, NOW)) || (other && isAlone(a, left, NOW))) return true;
  return (one || other) && a.form === "yesno" && b.form === "yesno";
}

/** "All files" are not "some files", even where either may be left out. */
function opposed(a: readonly string[], b: readonly string[]): boolean {
  return (a.includes("all") && b.includes("some")) || (a.includes("some") && b.includes("all"));
}

/** The first word of an instruction: "stop all containers". */
function isOrder({ form, items }: Clause, at: number): boolean {
  const item = items[at] as Item;
  return (
    at === 0 &&
    (form === "keywords" || form === "how") &&
    item.word === item.entry.lemma &&
    item.entry.parts.includes("v")
  );
}

/** A participle: "stopped". */
function isDone({ word, entry }: Item): boolean {
  return (word !== entry.lemma || entry.also.length > 0) && /(?:ed|en|wn|ght)$/.test(word);
}

function isGeneric({ form }: Clause): boolean {
  return form === "how" || form === "keywords" || form === "want" || form === "list" || form === "statement";
}

/** Bound words that count: "some" says nothing, and a list is of all. */
function weighed(bound: readonly string[], { form, negations }: Clause): string[] {
  return bound.filter(
    (one) =>
      one !== "some" &&
      // "Can I just pay the minimum" is not "can I pay it".
      !(one === "just" && form !== "yesno") &&
      !(one === "all" && form !== "yesno" && form !== "statement") &&
      // What has not come yet still has not come.
      !(negations > 0 && (one === "still" || one === "yet")) &&
      !one.startsWith("owner"),
  );
}

export function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, at) => one === b[at]);
}
