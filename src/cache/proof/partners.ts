import type { Item } from "./clause.ts";
import { isKnown, type Entry } from "./lexicon.ts";
import type { Level } from "./level.ts";
import { AMBIGUOUS } from "./words/ambiguous.ts";
import { areOpposites } from "../guard.ts";
import { staticWords } from "../../embedders/index.ts";

/** Kind of equivalence between two words; a lower number is more certain. */
export type Kinship = 1 | 2 | 3 | 4 | 5 | 6;

/** Least letters of a word in which a misspelling can be recognised. */
export const MISSPELT_FROM = 5;

/** Returns the equivalence of two words, or `undefined`. Symmetric. */
export function kinshipOf(a: Item, b: Item, level: Level): Kinship | undefined {
  if (a.exact || b.exact) return a.word === b.word || (!(a.exact && b.exact) && a.word === b.word) ? 1 : undefined;
  if (!sameDegree(a, b, level)) return undefined;
  const [x, y] = [a.entry, b.entry];
  if (a.word === b.word || x.lemma === y.lemma) return 1;
  if (x.also.includes(y.lemma) || y.also.includes(x.lemma) || areOfOneVerb(a, b)) return 2;
  if (intersects(x.synonyms, y.synonyms)) return 3;
  if (
    intersects(x.groups, y.groups) &&
    !isOfCounts(x.lemma, y.lemma) &&
    !areDerivedApart(x, y) &&
    !areOfOtherMeanings(x.lemma, y.lemma) &&
    !areToldApart(x.lemma, y.lemma) &&
    (areOfOneStem(x.lemma, y.lemma) || cosineOf(x.lemma, y.lemma) >= OF_ONE_GROUP)
  )
    return 4;
  if (isMisspelling(a, b)) return 5;
  if (level !== "strict" && !areDerivedApart(x, y) && !a.isName && !b.isName && areNear(x, y, level)) return 6;
  return undefined;
}

/** Cosine in the built-in table from which two words are taken for one another. Below .7 colours, states and teams are neighbours. */
const NEIGHBOURS = { balanced: 0.72, aggressive: 0.65 } as const;
let words: ReturnType<typeof staticWords> | undefined;

/** Whether the built-in table has two words near to each other, and they are no opposites. */
export function areNear(a: Entry, b: Entry, level: Exclude<Level, "strict">): boolean {
  if (a.parts === "" || b.parts === "" || areOpposites(a.lemma, b.lemma) || areCounterparts(a.lemma, b.lemma))
    return false;
  if (areToldApart(a.lemma, b.lemma)) return false;
  // "Affect" and "effect" are near, and so are "investor" and "investment".
  if (isOneAway(a.lemma, b.lemma) || areAgentAndAct(a.lemma, b.lemma)) return false;
  return cosineOf(a.lemma, b.lemma) >= NEIGHBOURS[level];
}

/** Cosine in the built-in table from which two words of one group of WordNet are partners: "Java" stands for "coffee" there. */
const OF_ONE_GROUP = 0.45;

function cosineOf(a: string, b: string): number {
  const [one, other] = [(words ??= staticWords())(a), words(b)];
  let cosine = 0;
  for (let at = 0; at < one.direction.length; at += 1)
    cosine += (one.direction[at] as number) * (other.direction[at] as number);
  return cosine;
}

/** "Migrate" and "migration". */
function areOfOneStem(a: string, b: string): boolean {
  return a.slice(0, STEM - 1) === b.slice(0, STEM - 1);
}

/** Degrees are equal; "most expensive" and "highest" keep theirs. */
function sameDegree(a: Item, b: Item, level: Level): boolean {
  return a.degree === b.degree || level === "aggressive";
}

/** An amount equals a number only before countable things, where `withCounts` already made it one. */
function isOfCounts(a: string, b: string): boolean {
  return (a === "number" && b === "amount") || (a === "amount" && b === "number");
}

/** Whether a group has two words together for one of several meanings: "raise", "lift". What an act and its noun share is the meaning. */
function areOfOtherMeanings(a: string, b: string): boolean {
  if (!AMBIGUOUS.has(a) && !AMBIGUOUS.has(b)) return false;
  const [verb, noun] = a.length < b.length ? [a, b] : [b, a];
  return !(noun.startsWith(verb.slice(0, Math.max(3, verb.length - 1))) && NOUN_OF_ACT.test(noun));
}

const NOUN_OF_ACT = /(?:ment|[ts]ion|al|th|ance|ence|ing)$/;

/** "Sliced" and "slicing", each of which is a word in its own right, too. */
function areOfOneVerb(a: Item, b: Item): boolean {
  if (!PARTICIPLE.test(a.word) || !PARTICIPLE.test(b.word)) return false;
  return a.entry.also.some((verb) => b.entry.also.includes(verb) && a.word.slice(0, 2) === b.word.slice(0, 2));
}

const PARTICIPLE = /(?:ed|ing)$/;

const AGENT = /(?:er|or|ee|ist|ism|ian|ess|man|ship)$/;

/** Returns true for an agent against an act or another participant: "translator" and "translation", "employer" and "employee". */
function areAgentAndAct(a: string, b: string): boolean {
  return a !== b && a.slice(0, STEM) === b.slice(0, STEM) && (AGENT.test(a) || AGENT.test(b));
}

/** Each one has rights or a task against the other, and a question about one is no question about the other. */
const COUNTERPARTS: ReadonlyMap<string, number> = new Map(
  (
    "tenant landlord lessee lessor renter / buyer seller vendor customer / employer employee worker boss manager / teacher student pupil professor / doctor patient nurse / lawyer client / lender borrower creditor debtor / " +
    "plaintiff defendant / parent child / mother father son daughter / husband wife bride groom / host guest / sender recipient receiver / winner loser champion / import export / debit credit / client server / " +
    "driver passenger / author reader / leader follower / interviewer interviewee candidate / trainer trainee / prosecutor defender / king queen prince princess / uncle aunt nephew niece / brother sister / " +
    "franchisor franchisee / donor donee / licensor licensee / payer payee / master slave / attacker victim / predator prey / asset liability / income expense / revenue cost / " +
    "hello hi hey greetings goodbye bye thanks please welcome"
  )
    .split(" / ")
    .flatMap((group, at) => group.split(" ").map((word) => [word, at] as const)),
);

/** Words that are near in meaning, and that law, science, trades and calendars tell apart. */
const TOLD_APART: ReadonlyMap<string, number> = new Map(
  (
    "jail prison penitentiary / murder homicide manslaughter assassination / speed velocity acceleration / mass weight / director manager supervisor / job task chore / sea ocean / coach bus tram trolley / shop store / class course module / test exam quiz / " +
    "safe secure / now today tonight nowadays currently tomorrow yesterday / robbery burglary theft larceny fraud / accuracy precision / ethics morality morals / libel slander / tax duty tariff / visa passport permit / immigrant emigrant migrant refugee / " +
    "million billion trillion thousand hundred dozen / half quarter third / double triple quadruple single dual / once twice thrice / first second last next previous former latter final / kilobyte megabyte gigabyte terabyte petabyte / kilowatt megawatt gigawatt / " +
    "bachelor master doctorate / lease rental loan / invoice receipt quote / warranty guarantee / virus bacteria bacterium fungus / frog toad / day night morning noon evening midnight / week month year decade century hour minute second"
  )
    .split(" / ")
    .flatMap((group, at) => group.split(" ").map((word) => [word, at] as const)),
);

function areToldApart(a: string, b: string): boolean {
  const group = TOLD_APART.get(a);
  return a !== b && group !== undefined && group === TOLD_APART.get(b);
}

function areCounterparts(a: string, b: string): boolean {
  const group = COUNTERPARTS.get(a);
  return a !== b && group !== undefined && group === COUNTERPARTS.get(b);
}

/** Returns true for an adjective against a derived word of another meaning: "economic" and "economical", "historic" and "history". */
function areDerivedApart(a: Entry, b: Entry): boolean {
  if (areAgentAndAct(a.lemma, b.lemma)) return true;
  if (!a.parts.startsWith("a") && !b.parts.startsWith("a")) return false;
  if (/(?:ity|ness)$/.test(a.lemma) || /(?:ity|ness)$/.test(b.lemma)) return false;
  return a.lemma.slice(0, STEM) === b.lemma.slice(0, STEM) && /^[an]/.test(a.parts) && /^[an]/.test(b.parts);
}

/** Letters that words of one stem share. */
const STEM = 4;

function intersects(a: readonly number[], b: readonly number[]): boolean {
  return a.some((one) => b.includes(one));
}

/** One letter more, less, other or changed over, in a word that no dictionary has, beside one that it has. */
function isMisspelling(a: Item, b: Item): boolean {
  const [one, other] = [a.word, b.word];
  if (a.isName || b.isName || one.length < MISSPELT_FROM || other.length < MISSPELT_FROM) return false;
  if (!isTypo(one, other)) return false;
  return isKnown(one) !== isKnown(other);
}

/** Brands that are spelled like mistakes. */
const BRANDS = new Set(
  "dribbble grindr fiverr flickr tumblr lyft reddit digg netflix froot krispy kwik publix citi google xerox compaq sulfite sulfites nitrite nitrites".split(
    " ",
  ),
);

/**
 * Whether one word is a mistake in typing the other: two neighbours changed over, a letter too few or too many inside, or one vowel for another. Another
 * consonant makes another word ("sulfite", "sulfide"), and so does a letter at the end.
 */
export function isTypo(a: string, b: string): boolean {
  if (a[0] !== b[0] || !isOneAway(a, b) || BRANDS.has(a) || BRANDS.has(b)) return false;
  if (a.length !== b.length)
    return (
      a.at(-1) === b.at(-1) && a.slice(-2) !== `${a.at(-1)}${a.at(-1)}` && b.slice(-2) !== `${b.at(-1)}${b.at(-1)}`
    );
  let at = 0;
  while (a[at] === b[at]) at += 1;
  if (a[at] === b[at + 1] && a[at + 1] === b[at] && a[at] !== b[at]) return true;
  return a.length >= VOWELS_FROM && at < a.length - 2 && /[aeiou]/.test(a[at] ?? "") && /[aeiou]/.test(b[at] ?? "");
}

/** Least letters of a word in which a wrong vowel can be recognised. */
const VOWELS_FROM = 8;

/** Whether two words are one edit apart: a letter more, another letter, or two neighbours changed over. */
export function isOneAway(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let [endA, endB] = [a.length, b.length];
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA -= 1;
    endB -= 1;
  }
  const [x, y] = [a.slice(start, endA), b.slice(start, endB)];
  if (x.length <= 1 && y.length <= 1) return true;
  return x.length === 2 && y.length === 2 && x[0] === y[1] && x[1] === y[0];
}
