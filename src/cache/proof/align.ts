import type { Clause, Item } from "./clause.ts";
import { lookUp } from "./lexicon.ts";
import type { Level } from "./level.ts";
import { kinshipOf } from "./partners.ts";
import { isOfOtherSense } from "./senses.ts";

/** Partners of two sentences: for each item the number of its pair, or -1. */
export interface Alignment {
  readonly a: readonly number[];
  readonly b: readonly number[];
  /** Whether both have the same words in the same order: then no word has another partner, and none is left. */
  readonly isSame: boolean;
}

/** Kinds of equivalence that hold for one sense of a word: synonyms, groups of WordNet, and neighbours in the table. */
const BY_SENSE: ReadonlySet<number> = new Set([3, 4, 6]);

/** Words without an equal one that are held against each other; more are another question. */
const ALONE_MAX = 10;

/** Gives each content word of one sentence a partner in the other, or none. Deterministic; linear but for a bounded rest. */
export function align(a: Clause, b: Clause, level: Level): Alignment | undefined {
  if (areSame(a.items, b.items)) {
    const places = a.items.map((_, at) => at);
    return { a: places, b: places, isSame: true };
  }
  const [left, right] = [a.items.map(() => -1), b.items.map(() => -1)];
  let pairs = 0;
  const join = (i: number, j: number): void => {
    left[i] = pairs;
    right[j] = pairs;
    pairs += 1;
  };
  const waiting = new Map<string, number[]>();
  b.items.forEach((item, at) => {
    const key = keyOf(item);
    const known = waiting.get(key);
    if (known === undefined) waiting.set(key, [at]);
    else known.push(at);
  });
  a.items.forEach((item, at) => {
    const found = waiting.get(keyOf(item))?.shift();
    if (found !== undefined) join(at, found);
  });
  const alone = (numbers: readonly number[]) => numbers.flatMap((pair, at) => (pair === -1 ? [at] : []));
  const [aloneA, aloneB] = [alone(left), alone(right)];
  if (aloneA.length > ALONE_MAX || aloneB.length > ALONE_MAX) return undefined;
  joinCompounds(a.items, b.items, left, right, join);
  joinCompounds(b.items, a.items, right, left, (j, i) => join(i, j));
  for (const kinship of level === "strict" ? [1, 2, 3, 4, 5] : [1, 2, 3, 4, 5, 6]) {
    for (const i of aloneA) {
      if (left[i] !== -1) continue;
      const j = aloneB.find(
        (at) =>
          right[at] === -1 &&
          kinshipOf(a.items[i] as Item, b.items[at] as Item, level) === kinship &&
          !(BY_SENSE.has(kinship) && isOfOtherSense(a, i, b, at)) &&
          !(kinship === 6 && (isModifier(a.items, i) || isModifier(b.items, at))),
      );
      if (j !== undefined) join(i, j);
    }
  }
  return { a: left, b: right, isSame: false };
}

/** Whether a noun says which kind of the noun behind it is meant: "return period". */
function isModifier(items: readonly Item[], at: number): boolean {
  const [item, next] = [items[at] as Item, items[at + 1]];
  return (
    next !== undefined &&
    !next.starts &&
    next.mark === "" &&
    item.entry.parts.startsWith("n") &&
    next.entry.parts.includes("n")
  );
}

function areSame(a: readonly Item[], b: readonly Item[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) {
    const [one, other] = [a[at] as Item, b[at] as Item];
    if (one.word !== other.word || one.exact !== other.exact || one.degree !== other.degree) return false;
    if (one.entry.lemma !== other.entry.lemma) return false;
  }
  return true;
}

function keyOf({ word, exact, entry, degree }: Item): string {
  return exact ? `=${word}` : `${entry.lemma}${degree}`;
}

/** "web site" and "website", "new york city" and "nyc": one word equals two to five that stand together. */
function joinCompounds(
  ones: readonly Item[],
  others: readonly Item[],
  own: number[],
  other: number[],
  join: (one: number, other: number) => void,
): void {
  for (const [at, item] of ones.entries()) {
    if (own[at] !== -1 || item.exact || item.word.length < 2) continue;
    for (let from = 0; from < others.length; from += 1) {
      const length = compoundAt(item.word, others, other, from);
      if (length === 0) continue;
      join(at, from);
      // The first word of a compound settles all of its parts.
      for (let part = from + 1; part < from + length; part += 1) other[part] = SETTLED;
      break;
    }
  }
}

/** An item that is settled by another one. */
export const SETTLED = -2;

/** Words that are others than their parts with a hyphen: who re-signs a contract does not resign. */
const OPAQUE: ReadonlySet<string> = new Set(
  (
    "resign recover release reform recreate recreation resent resend restore return remark retreat represent reserve resort resound react recall recollect recount recess redress refuse refund relay remove replace report " +
    "repose request research reside resolve restrain retire retrace retract revise reward rebound recede receive reside reaction reposition repair reprove reproof repress repeal recite record recreate reed refine refer reflect refrain regard regress rejoin relate relax relieve " +
    "remind remit render renew repeat reply reproach resume retail retain reveal review revolve retort coop unionize unionise unionized unionised preposition prefix exact extort overall undertake understand"
  ).split(" "),
);
/** Beginnings of such words. */
const PREFIX = /^(?:re|co|un|pre|ex|over|under)$/;

function isOpaque(prefix: string, word: string): boolean {
  if (!PREFIX.test(prefix)) return false;
  const { lemma, also } = lookUp(word);
  return [word, lemma, ...also].some((one) => OPAQUE.has(one));
}

function compoundAt(word: string, others: readonly Item[], other: readonly number[], from: number): number {
  let [joined, initials] = ["", ""];
  for (let length = 1; length <= 5 && from + length <= others.length; length += 1) {
    const item = others[from + length - 1] as Item;
    if (other[from + length - 1] !== -1 || item.exact || (length > 1 && item.mark !== "" && item.mark !== "of"))
      return 0;
    joined += item.word;
    initials += item.word[0] ?? "";
    if (length > 1 && (joined === word || joined === `${word}s` || `${joined}s` === word))
      return isOpaque((others[from] as Item).word, word) ? 0 : length;
    if (length > 1 && initials === word && word.length >= 2 && word.length <= 5 && item.entry.parts.length >= 0)
      return length;
  }
  return 0;
}
