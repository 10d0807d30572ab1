import { hashOfWord, isKnownWord } from "./known-words.ts";

/** Least letters of an act's noun from which its verb can be derived: "calibration", but not "station". */
const NOUN_FROM = 9;
/** Nouns in -ation that are more than the act of their verb: things, bodies, people. */
const MORE_THAN_ACTS = new Set(
  (
    "organization administration corporation population generation foundation location conversation publication association federation occupation delegation constellation combination plantation medication " +
    "education indication information formation condensation radiation vegetation civilization recreation sensation temptation transportation declaration accommodation concentration decoration destination " +
    "determination dedication reputation imagination hesitation demonstration application illustration inclination expectation congregation convocation compilation observation quotation implication obligation " +
    "limitation aspiration"
  ).split(" "),
);

/** Numbers of the acts that a base form names, beside the lexicon's groups: "calibrate" and "calibration" have one in common. */
export function actsOf(base: string): number[] {
  const nouns = base.endsWith("ation") ? [base] : nounsOf(base);
  return nouns
    .filter((noun) => noun.length >= NOUN_FROM && !MORE_THAN_ACTS.has(noun) && isKnownWord(noun) && hasVerb(noun))
    .map((noun) => ACTS_FROM + hashOfWord(noun));
}

/** The lexicon's groups have smaller numbers. */
const ACTS_FROM = 1_000_000;

function nounsOf(verb: string): string[] {
  if (verb.endsWith("ate")) return [`${verb.slice(0, -1)}ion`];
  if (verb.endsWith("ize")) return [`${verb.slice(0, -1)}ation`];
  if (verb.endsWith("ify")) return [`${verb.slice(0, -1)}ication`];
  return [];
}

function hasVerb(noun: string): boolean {
  const stem = noun.slice(0, -"ation".length);
  return [`${stem}ate`, `${stem}e`, noun.replace(/ication$/, "y")].some((verb) => verb !== noun && isKnownWord(verb));
}
