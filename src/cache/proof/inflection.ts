import type { Clause, Item } from "./clause.ts";
import { isKnownWord } from "./known-words.ts";
import { IRREGULAR_PASTS } from "./words/irregular.ts";

/**
 * Returns true if two sentences differ by an ending that changes the word: "damages" and "damage", "boring" and "bored", "my contacts" and
 * "my contact". `isTurned`: a passive was made active, so that "cut" and "cutting" are the same act. Symmetric.
 */
export function inflectionsDiffer(
  a: Clause,
  left: readonly number[],
  b: Clause,
  right: readonly number[],
  isTurned: boolean,
): boolean {
  // "How do I go about reporting it" asks how to report it.
  const isAsked = [a, b].some(({ form }) => form === "how" || form === "want" || form === "keywords");
  return a.items.some((item, at) => {
    const pair = left[at] as number;
    const other = pair < 0 ? undefined : b.items[right.indexOf(pair)];
    if (other === undefined || item.word === other.word || item.exact || other.exact) return false;
    if (item.entry.lemma !== other.entry.lemma && !shares(item, other)) return false;
    return (
      numbersDiffer(item, other) ||
      (isPlainTime(a) && isPlainTime(b) && (areOfOtherTimes(item, other) || areOfOtherTimes(other, item))) ||
      (!isTurned && (isOverAndNow(a, item, b, other) || isOverAndNow(b, other, a, item))) ||
      (item.hasSubject && other.hasSubject && areClausesOfOtherTimes(a, item, b, other)) ||
      (!isTurned && (areActAndState(a, item, b, other) || areActAndState(b, other, a, item))) ||
      isDoneTo(item, other) ||
      isDoneTo(other, item) ||
      (!isTurned && actsDiffer(item, other, isAsked))
    );
  });
}

function shares(a: Item, b: Item): boolean {
  const bases = new Set([a.entry.lemma, ...a.entry.also]);
  return [b.entry.lemma, ...b.entry.also].some((base) => bases.has(base));
}

/** Returns true if only the verb expresses the time: "who wins it". */
function isPlainTime({ form, tenses, modality }: Clause): boolean {
  return tenses.size === 0 && modality.size === 0 && form !== "how" && form !== "want" && form !== "explain";
}

/** "wins" and "won" */
function areOfOtherTimes(a: Item, b: Item): boolean {
  const isNow = a.word.endsWith("s") && a.word !== a.entry.lemma && /^v|^nv/.test(a.entry.parts);
  const isOver = b.word !== a.entry.lemma && !/(?:s|ing)$/.test(b.word);
  return isNow && isOver && a.mark === "" && b.mark === "";
}

/**
 * Returns true for a past against a present of one verb, where no auxiliary makes either a base form or a participle: "who owned it" and
 * "who does own it", "which shops sell it" and "which shops sold it", "when did it open" and "when it opens".
 */
function isOverAndNow(a: Clause, past: Item, b: Clause, present: Item): boolean {
  if (a.modality.size > 0 || b.modality.size > 0 || isTimeless(a) || isTimeless(b)) return false;
  if (past.mark !== "" || present.mark !== "" || !isNowForm(b, present)) return false;
  if (a.tenses.size > 0)
    return (
      a.hasDo &&
      a.tenses.has("past") &&
      b.tenses.size === 0 &&
      past.word === past.entry.lemma &&
      present.word.endsWith("s")
    );
  return (b.tenses.size === 0 || (b.hasDo && !b.tenses.has("past"))) && isPast(past) && !LASTING.has(past.entry.lemma);
}

/** Forms that ask for no time: "how to", "explain". */
function isTimeless({ form }: Clause): boolean {
  return form === "how" || form === "want" || form === "explain";
}

/** The base or third person of a verb: "sell", "sells". "Who sell it" lacks its ending, whichever that is. */
function isNowForm({ form, items, hasDo }: Clause, item: Item): boolean {
  const { word, entry } = item;
  if (entry.parts !== "" && !entry.parts.includes("v")) return false;
  return word === entry.lemma ? form !== "who" || hasDo || items[0] !== item : word.endsWith("s");
}

/** A past by its form: "owned", "sold". */
function isPast({ word, entry }: Item): boolean {
  return IRREGULAR_PASTS.has(word) || (word.endsWith("ed") && (word !== entry.lemma || entry.also.length > 0));
}

/** Verbs whose past is a present state: who forgot a password forgets it. */
const LASTING = new Set(["forget", "lose"]);

/**
 * Returns true for clauses of different times: "the documents I need" and "the documents I needed". After "did" or a modal the base form
 * expresses no time.
 */
function areClausesOfOtherTimes(a: Clause, one: Item, b: Clause, other: Item): boolean {
  const [past, present, clause] = isPastForm(one) ? [one, other, b] : [other, one, a];
  if (!isPastForm(past) || isPastForm(present) || present.word.endsWith("ing")) return false;
  return !clause.tenses.has("past") && clause.modality.size === 0;
}

function isPastForm({ word, entry }: Item): boolean {
  if (/(?:s|ing)$/.test(word)) return false;
  return word.endsWith("ed") ? word !== entry.lemma || entry.also.length > 0 : word !== entry.lemma;
}

/**
 * Returns true if something is done to one that does it in the other sentence: "who wants to be hired" and "who wants to hire", "which files
 * need to be read" and "which files need to read". What I can take can be taken. Symmetric.
 */
export function passivesDiffer(a: Clause, left: readonly number[], b: Clause, right: readonly number[]): boolean {
  return a.items.some((item, at) => {
    const pair = left[at] as number;
    const other = pair < 0 ? undefined : b.items[right.indexOf(pair)];
    if (other === undefined || item.exact || other.exact) return false;
    return isUndergone(item, other) || isUndergone(other, item) || isDoneOrSo(item, other) || isDoneOrSo(other, item);
  });
}

function isUndergone(one: Item, other: Item): boolean {
  if (one.behindBe !== "be" || other.behindBe !== "" || other.hasSubject) return false;
  return other.word === other.entry.lemma && /v|^$/.test(other.entry.parts);
}

/** "Be fined" and "be fine". */
function isDoneOrSo(one: Item, other: Item): boolean {
  return (
    one.behindBe === "be" &&
    other.behindBe === "be" &&
    one.word !== other.word &&
    one.word.endsWith("ed") &&
    other.word === other.entry.lemma &&
    one.entry.lemma === other.word
  );
}

/** Plurals that mean something else than several of their singular. */
const APART = new Set(
  (
    "damages contents savings glasses arms goods customs spectacles greens shorts woods peoples airs bearings grounds securities economics minutes times forces leaves contacts spirits premises manners " +
    "means letters quarters remains terms papers credits powers interests rights sands waters works looks drafts physics ethics statistics politics mathematics athletics logistics genetics electronics graphics " +
    "dynamics mechanics basics classics acoustics colors pains troops funds stocks bonds futures options proceeds valuables belongings surroundings earnings winnings lodgings tights pants trunks " +
    "briefs boxers slacks jeans scales tongs compasses matches odds ends blues reds lights heights depths heads tails jacks checkers dates figs sweets thanks regards wishes respects amends heavens outskirts " +
    "suds brains guts nerves hearts spades clubs diamonds movies pictures majors minors finals seconds pools stands wits clothes cloths congratulations"
  ).split(" "),
);

function numbersDiffer(a: Item, b: Item): boolean {
  const [one, other] = [isPlural(a), isPlural(b)];
  if (one === other) return false;
  const [plural, single] = one ? [a, b] : [b, a];
  if (single.word !== single.entry.lemma) return false;
  // The last letter of an unknown word may not be an ending: "grafana" and "grafanas".
  if (
    single.entry.parts === "" &&
    single.word.length >= UNKNOWN_FROM &&
    single.word.length <= UNKNOWN_TO &&
    !isKnownWord(single.word)
  )
    return true;
  return APART.has(plural.word) || a.owners.includes("1") || b.owners.includes("1");
}

/** Letters from which a word is no abbreviation, whose plural is its own: "APIs". */
const UNKNOWN_FROM = 5;
/** Longer ones are composed of others: "backreferences". */
const UNKNOWN_TO = 10;

function isPlural({ word, entry }: Item): boolean {
  return word !== entry.lemma && word.endsWith("s");
}

/** Distinguishes an act from what was done to a thing: "how long do I boil eggs" and "how long do boiled eggs last". */
function areActAndState(a: Clause, act: Item, b: Clause, state: Item): boolean {
  if (act.word !== act.entry.lemma || act.entry.lemma === state.word || LASTING.has(act.entry.lemma)) return false;
  if (!/(?:ed|en|wn)$/.test(state.word) || act.mark === state.mark) return false;
  const [thing, object] = [b.items[b.items.indexOf(state) + 1], a.items[a.items.indexOf(act) + 1]];
  return thing !== undefined && !thing.starts && thing.entry.lemma === object?.entry.lemma;
}

/** Distinguishes "ready to eat" from "ready to be eaten". */
function isDoneTo(a: Item, b: Item): boolean {
  return a.mark === "inf" && b.mark === "inf" && a.word === a.entry.lemma && b.word !== b.entry.lemma;
}

/** Distinguishes an acting participle from a passive or completed one: "falling" and "fallen"; "a rating" and "a rate". */
function actsDiffer(a: Item, b: Item, isAsked: boolean): boolean {
  const [one, other] = [a.word.endsWith("ing"), b.word.endsWith("ing")];
  if (one === other) return false;
  const [acting, plain] = one ? [a, b] : [b, a];
  if (plain.word === plain.entry.lemma && plain.entry.also.length === 0)
    return !isAsked && isThing(acting) && isNamed(acting, plain);
  return !plain.word.endsWith("s");
}

/** Nouns in -ing that are no way to name the act. */
function isThing({ word, entry }: Item): boolean {
  return entry.lemma === word && entry.also.length > 0 && entry.parts.startsWith("n");
}

function isNamed(acting: Item, plain: Item): boolean {
  return acting.mark === plain.mark && acting.starts === plain.starts && plain.entry.parts.includes("n");
}
