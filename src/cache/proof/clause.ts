import { countOf, tellsNounFromName } from "./articles.ts";
import { aspectOf, type Aspect } from "./aspect.ts";
import { orderOf } from "./commands.ts";
import { frameOf, type Article, type Form } from "./frame.ts";
import { isBareVerb, isGraded, isLetter, isMonth, isOrdinal, isOwned, isParticiple, isVerb } from "./in-context.ts";
import type { Item } from "./item.ts";
import { lookUp } from "./lexicon.ts";
import { MEASURES, withCounts, withMeasures } from "./measures.ts";
import { rewrite } from "./rewrites.ts";
import { isPerfect, playsRoles, SUBJECTS } from "./persons.ts";
import { isCapital, type Token } from "./token.ts";
import { tokenise } from "./tokens.ts";
import { isOnItsWay } from "./ways.ts";
import {
  CONJUNCTIONS,
  EMPTY,
  FUNCTION_WORDS,
  MODALS,
  NEGATIONS,
  PERSONS,
  PREPOSITIONS,
  QUANTIFIERS,
  SAME_PREPOSITION,
  STRESS,
  TENSES,
  type Modality,
  type Tense,
} from "./words/function-words.ts";

export type { Item } from "./item.ts";

/** A sentence as it is compared. */
export interface Clause {
  readonly form: Form;
  readonly items: readonly Item[];
  /** Function words at the end that nothing follows: "which state is it in". */
  readonly tail: readonly string[];
  readonly tenses: ReadonlySet<Tense>;
  /** Whether its only present is that of "has been". */
  readonly isPerfect: boolean;
  readonly aspect: Aspect;
  /** Whether it has "do", "does" or "did", behind which a base form tells no time. */
  readonly hasDo: boolean;
  readonly modality: ReadonlySet<Modality>;
  readonly persons: readonly string[];
  /** First persons as objects, with the base form of the previous word: "trust me" is `trust me`, "get myself" is `get self`. */
  readonly objects: readonly string[];
  /** Negations and quantifiers that no content word follows. */
  readonly loose: readonly string[];
  readonly symbols: readonly string[];
  readonly negations: number;
  /** Whether it has content words alone: keywords. */
  readonly isBare: boolean;
  /** Whether it asks for the meaning of one or two words, which are then taken literally. */
  readonly defines: boolean;
  /** Kind of an order to do something, as opposed to a search: "cancel my order". */
  readonly commands: "tells" | "errand" | "asksForHelp" | "";
  /** Article at the end of its question words, and whether they request something: "name a", "what is the". */
  readonly article: Article;
  /** Whether it wants somebody else to act: "I want you to block it". */
  readonly asksYou: boolean;
  /** Conjunctions, in order. */
  readonly joints: readonly string[];
}

const OBJECTS = new Map([
  ["me", "me"],
  ["us", "me"],
  ["myself", "self"],
  ["ourselves", "self"],
]);
/** Words behind which a verb is finite, unless an auxiliary stands before them. */
const BEFORE_VERB = new Set("i you we they he she who that which".split(" "));
const COPULA = /^(?:is|are|am|was|were|been|being|gets?|got|getting|gotten)$/;
const DO = /^(?:do|does|did)$/;
const POSSESSIVES = new Set("my your his her its our their".split(" "));
/** "More" and "most" before one of these grade it; before others they count. */
const GRADES = new Map<string, Item["degree"]>([
  ["more", "er"],
  ["most", "est"],
  ["less", "less"],
]);
/** Words that make the noun before or behind them a genuine quantity. */
const LIKE_IS_A_VERB = /^(?:i|you|we|they|would|do|did|does|not|who|people|to)$/;
/** Content words of one sentence that are compared; more are a matter for the exact tier. */
export const ITEMS_MAX = 48;

/** Reads one sentence. Linear. */
export function readClause(sentence: string): Clause {
  return toClause(tokenise(sentence));
}

function toClause(tokens: readonly Token[]): Clause {
  const { form, tokens: left, defines, finite, article, isForHelp } = frameOf(tokens);
  // The first word of a sentence has a capital whatever it is.
  const builder = createBuilder(
    left[0] !== undefined && left[0] !== tokens[0],
    deniesWhole(form, left),
    playsRoles(left),
  );
  left.forEach((token, at) => builder.take(token, left[at - 1], left[at + 1], left[at + 2]));
  return {
    ...builder.end(form, defines, finite),
    isPerfect: isPerfect(left),
    aspect: aspectOf(left),
    commands: isForHelp ? "asksForHelp" : orderOf(form, left),
    article,
    asksYou: form === "want" && PERSONS.has(left[0]?.text ?? "") && left[1]?.text === "to",
  };
}

/** Whether "not" denies the whole question wherever it stands: "why doesn't it start", "why does it not start". */
function deniesWhole(form: Form, tokens: readonly Token[]): boolean {
  return (
    form === "why" &&
    (TENSES.has(tokens[0]?.text ?? "") || MODALS.has(tokens[0]?.text ?? "")) &&
    !tokens.some(({ text }) => QUANTIFIERS.has(text))
  );
}

/** `isDenied`: "not" belongs to the sentence and not to the next word; `inRoles`: the order of persons matters. */
function createBuilder(isInside: boolean, isDenied: boolean, inRoles: boolean) {
  const items: Item[] = [];
  const [tenses, modality] = [new Set<Tense>(), new Set<Modality>()];
  const [persons, objects]: [string[], string[]] = [[], []];
  const [symbols, joints]: [string[], string[]] = [[], []];
  const denied: string[] = [];
  let [mark, starts, negations] = ["", true, 0];
  let bound: string[] = [];
  let owners: string[] = [];
  let degree: Item["degree"] = "";
  let ownerOf: number | undefined;
  let tail: string[] = [];
  let isMarked = false;
  let isBare = true;
  let [isFreed, sawDo] = [false, false];

  /** Begins a phrase. Of two prepositions in a row the second one binds, and the first one belongs to the verb before. */
  function begin(word: string): void {
    if (mark !== "" && mark !== "of" && !CONJUNCTIONS.has(mark) && mark !== word) tail.push(mark);
    mark = CONJUNCTIONS.has(mark) && mark !== "" && !CONJUNCTIONS.has(word) ? `${mark} ${word}` : word;
    starts = true;
  }

  function push(token: Token, before?: Token): void {
    const entry = lookUp(token.text);
    // Behind a number a unit is meant to the letter: a second is no moment.
    const isUnit = items.at(-1)?.isNumber === true && MEASURES.has(entry.lemma);
    items.push({
      word: isUnit ? entry.lemma : token.text,
      entry,
      exact: token.exact || isUnit,
      isNumber: token.kind === "number",
      isName: (isInside || items.length > 0) && isCapital(token.raw),
      degree: degree === "" ? entry.degree : degree,
      mark,
      starts,
      // "Not only" is not "only not".
      bound: bound.length > 1 && !bound.includes("not") ? bound.toSorted() : bound,
      owners,
      hasSubject: before?.kind === "word" && BEFORE_VERB.has(before.text),
      behindBe: before === undefined ? "" : before.text === "be" ? "be" : COPULA.test(before.text) ? "is" : "",
    });
    [mark, starts, bound, owners, degree] = ["", false, [], [], ""];
    if (token.owner) {
      // "X's Y" is Y of X: X moves behind Y once Y's phrase is complete.
      ownerOf = items.length - 1;
    }
  }

  /** Closes a phrase: the possession first, then its owner. */
  function closeOwner(): void {
    if (ownerOf === undefined || ownerOf >= items.length - 1) {
      ownerOf = undefined;
      return;
    }
    let from = ownerOf;
    while (from > 0 && items[from]?.starts !== true) from -= 1;
    const owner = items.splice(from, ownerOf - from + 1);
    const [first, owned] = [owner[0] as Item, items[from] as Item];
    owned.mark = first.mark;
    owned.starts = first.starts;
    first.mark = "of";
    first.starts = true;
    first.isOwner = true;
    items.push(...owner);
    ownerOf = undefined;
  }

  return {
    take(token: Token, before: Token | undefined, next: Token | undefined, afterNext: Token | undefined): void {
      const { text, kind } = token;
      if (kind === "stop") {
        if (text === "," || text === ";" || text === ":" || text === "." || text === "(") {
          closeOwner();
          starts = true;
        }
        return;
      }
      if (kind === "symbol") {
        symbols.push(text);
        return;
      }
      if (kind === "number" || token.exact) {
        push(token);
        return;
      }
      if ((text === "a" && isLetter(next)) || isOrdinal(token, before, next)) {
        push(token);
        return;
      }
      if (isMarked) {
        isMarked = false;
        return;
      }
      if (!SPECIAL.has(text)) {
        push(token, before);
        return;
      }
      const content = items.length;
      const conjunction = CONJUNCTIONS.get(text);
      const preposition = PREPOSITIONS.has(text) ? (SAME_PREPOSITION.get(text) ?? text) : SAME_PREPOSITION.get(text);
      const about = next?.kind === "number" ? ABOUT.get(text) : undefined;
      sawDo ||= DO.test(text);
      if (about !== undefined && !(text === "about" && afterNext?.kind !== "word")) bound.push(about);
      else if (NEGATIONS.has(text) || text === "no_longer") {
        negations += 1;
        isFreed ||= text === "not" && sawDo && modality.size === 0;
        if (isDenied && text === "not") denied.push("not");
        else bound.push(text === "without" ? "without" : text === "no_longer" ? "no_longer" : "not");
        if (text === "without") {
          closeOwner();
          begin("with");
        }
      } else if (TENSES.has(text)) {
        if (!isBareVerb(text, before)) tenses.add(TENSES.get(text) as Tense);
        // "The state that has the largest area" is the state with it.
        if (/^ha(?:s|ve|d)$/.test(text) && items.length > 0 && isOwned(next)) {
          closeOwner();
          begin("with");
        }
      } else if (MODALS.has(text) && !(text === "may" && isMonth(before, next))) {
        // "Does not have to" differs from "must not".
        modality.add(text === "must" && isFreed ? "optional" : (MODALS.get(text) as Modality));
      } else if (conjunction !== undefined && !(text === "what" || text === "who")) {
        closeOwner();
        joints.push(conjunction);
        begin(conjunction);
      } else if (text === "what" || text === "who") {
        // Inside a sentence they begin a clause of their own.
        closeOwner();
        starts = true;
      } else if (QUANTIFIERS.has(text) && !(GRADES.has(text) && isGraded(next))) {
        bound.push(QUANTIFIERS.get(text) as string);
      } else if (GRADES.has(text)) {
        if (isGraded(next)) degree = GRADES.get(text) as Item["degree"];
        else bound.push(text);
      } else if (tellsNounFromName(token, next, afterNext)) {
        bound.push("article");
      } else if (countOf(token, next, afterNext) !== "") {
        bound.push(countOf(token, next, afterNext));
      } else if (STRESS.has(text) || EMPTY.has(text)) {
        // They change nothing.
        if (text === "which" || text === "that" || text === "whose") closeOwner();
      } else if (PERSONS.has(text)) {
        const person = PERSONS.get(text) as string;
        if (POSSESSIVES.has(text)) {
          owners = [...owners, person];
        } else if (person !== "one") {
          if (persons.at(-1) !== person) persons.push(person);
          if (inRoles && SUBJECTS.has(text)) bound.push(`as ${person}`);
          const object = OBJECTS.get(text);
          if (object !== undefined) objects.push(`${mark === "" ? (items.at(-1)?.entry.lemma ?? "") : mark} ${object}`);
          starts = true;
        }
      } else if (preposition !== undefined && !(text === "like" && LIKE_IS_A_VERB.test(before?.text ?? ""))) {
        closeOwner();
        begin(text === "to" && isVerb(next, afterNext) ? "inf" : preposition);
      } else if (isOnItsWay(text, items, next, afterNext)) {
        // "Leaving Boston" is from Boston, and "arriving in Denver" to Denver.
        closeOwner();
        begin(/^(?:leav|depart)/.test(text) ? "from" : "to");
        isMarked = /^(?:in|at|to|from)$/.test(next?.text ?? "");
      } else if (text === "mine" || (/^(?:got|gets?|getting|gotten)$/.test(text) && isParticiple(next))) {
        // "It got charged" is "it was charged".
      } else push(token, before);
      if (items.length === content) isBare = false;
    },

    end(
      form: Form,
      defines: boolean,
      finite: readonly string[],
    ): Omit<Clause, "isPerfect" | "aspect" | "commands" | "article" | "asksYou"> {
      for (const word of finite) tenses.add(TENSES.get(word) ?? (word === "caused" ? "past" : "present"));
      closeOwner();
      if (mark !== "" && !CONJUNCTIONS.has(mark)) tail.push(mark);
      tail = tail.filter((word) => word !== "inf");
      const phrasing = rewrite({ items: withCounts(withMeasures(items)), joints }, form);
      return {
        form,
        items: phrasing.items,
        tail,
        tenses,
        hasDo: sawDo || finite.some((word) => DO.test(word)),
        modality,
        persons,
        objects,
        loose: [...denied, ...bound, ...owners.map((one) => `owner ${one}`)].toSorted(),
        symbols,
        isBare,
        defines: defines && isDefined(phrasing.items),
        negations,
        joints: phrasing.joints,
      };
    },
  };
}

/** Most content words of a question about their meaning. A longer one asks more. */
const DEFINED_MAX = 2;

/** Returns true if a question asks for the meaning of these content words: one or two, without a phrase after them. */
function isDefined(items: readonly Item[]): boolean {
  return items.length <= DEFINED_MAX && items.every(({ mark, owners }) => mark === "" && owners.length === 0);
}

/** Words that are no content, or not always; all others are pushed as they are. */
const SPECIAL: ReadonlySet<string> = new Set([
  ...FUNCTION_WORDS,
  ...GRADES.keys(),
  "no_longer",
  "approximately",
  "roughly",
  "mine",
  ..."got get gets getting gotten".split(" "),
  ...["leav", "depart", "arriv"].flatMap((stem) => ["", "e", "es", "ing", "s", "ed"].map((ending) => stem + ending)),
]);

/** Words that say how exact the number behind them is. */
const ABOUT = new Map([
  ...["exactly", "precisely"].map((word) => [word, "exactly"] as const),
  ...["about", "around", "approximately", "roughly"].map((word) => [word, "about"] as const),
]);
