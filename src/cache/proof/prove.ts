import { align } from "./align.ts";
import { sameMark } from "./arrange.ts";
import { bindingsDiffer } from "./bindings.ts";
import { ITEMS_MAX, type Clause } from "./clause.ts";
import { articlesDiffer } from "./definite.ts";
import { compoundsDiffer, definitionsDiffer } from "./definition.ts";
import { sameForm } from "./forms.ts";
import { inflectionsDiffer, passivesDiffer } from "./inflection.ts";
import { areWhereAndWhat, leftoverOf } from "./leftover.ts";
import type { Level } from "./level.ts";
import { fromBetween, toActive } from "./passive.ts";
import { rolesDiffer } from "./roles.ts";
import { sameList } from "./same-list.ts";
import { timesDiffer } from "./times.ts";
import type { Veto } from "./veto.ts";
import { PREPOSITIONS } from "./words/function-words.ts";

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

/** Proves a pair once. `isTurned`: a passive was made active. */
function proveOnce(a: Clause, b: Clause, level: Level, isTurned = false): Veto | undefined {
  if (a.items.length > ITEMS_MAX || b.items.length > ITEMS_MAX) return "length";
  if (a.items.length === 0 || b.items.length === 0) return "empty";
  const cheap = classesDiffer(a, b, level, isTurned);
  if (cheap !== undefined) return cheap;
  const alignment = align(a, b, level);
  if (alignment === undefined) return "words";
  if (alignment.isSame && areWhereAndWhat(a, b)) return "question";
  if (!isTurned && passivesDiffer(a, alignment.a, b, alignment.b)) return "roles";
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

/** Returns a difference that shows without aligning words. */
function classesDiffer(a: Clause, b: Clause, level: Level, isTurned: boolean): Veto | undefined {
  if (!sameForm(a, b, level)) return "question";
  if (!sameList(numbersOf(a), numbersOf(b))) return "number";
  if (a.negations !== b.negations) return "negation";
  if (!sameList(a.symbols, b.symbols)) return "symbol";
  if (!sameTail(a, b)) return "preposition";
  if (level !== "aggressive") {
    const times = timesDiffer(a, b, level, isTurned);
    if (times !== undefined) return times;
    if (a.asksYou !== b.asksYou || !samePersons(a, b) || !sameObjects(a, b)) return "person";
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
  // "Who is Luke the father of" differs from "who is the father of Luke".
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
    // A synonym may precede it; then the other words decide.
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
