import { FREE_WORDS, REPLACEMENTS } from "./free-words.ts";
import { isDigits, isKnown, lookUp, type Entry } from "./lexicon.ts";
import type { Level } from "./level.ts";
import { areNear, isTypo, MISSPELT_FROM } from "./partners.ts";
import { DEMONYMS } from "./words/demonyms.ts";
import { CLASSES, ESTEEM, FUNCTION_WORDS, LIGHT, LIGHT_PLURALS } from "./words/function-words.ts";
import { SHORT_FORMS } from "./words/phrases.ts";

/** The words of a sentence, looked up but not parsed. */
export interface Bag {
  readonly words: readonly Word[];
  readonly known: () => ReadonlySet<Word>;
  /** Keys of possible partners in another sentence: base forms, and numbers of groups. */
  readonly keys: () => ReadonlySet<string | number>;
}

interface Word {
  readonly text: string;
  readonly entry: Entry;
  /** The parser may drop it, replace it or join it with others: that it stands on one side alone proves nothing. */
  readonly isFree: boolean;
  readonly isFunction: boolean;
  readonly keys: readonly (string | number)[];
}

const WORDS = /\p{N}+(?:(?:st|nd|rd|th)(?!\p{L}))?|[\p{L}\p{M}_][\p{L}\p{M}\p{N}_]*(?:'\p{L}+)*/gu;
const ASCII_WORDS = /\d+(?:(?:st|nd|rd|th)(?![a-z]))?|[a-z_][a-z0-9_]*(?:'[a-z]+)*/g;
// oxlint-disable-next-line no-control-regex -- ASCII is asked for, control characters included
const ASCII = /^[\x00-\x7F]*$/;
const DIGIT_FIRST = /^\p{N}/u;

/** Words that were looked up last. */
const known = new Map<string, Word>();
const KNOWN_MAX = 8_192;
/** Longer ones are not remembered. */
const KNOWN_CHARS_MAX = 32;

/** Looks up the words of a folded sentence. Linear. */
export function toBag(sentence: string): Bag {
  const lower = sentence.toLowerCase();
  const words = (lower.match(ASCII.test(lower) ? ASCII_WORDS : WORDS) ?? []).map(toWord);
  let [all, keys]: [Set<Word> | undefined, Set<string | number> | undefined] = [undefined, undefined];
  return {
    words,
    known: () => (all ??= new Set(words)),
    keys: () => (keys ??= new Set(words.flatMap((word) => word.keys))),
  };
}

function toWord(text: string): Word {
  if (isDigits(text)) return { text, entry: lookUp(text), isFree: true, isFunction: false, keys: [text] };
  let word = known.get(text);
  if (word === undefined) {
    word = makeWord(text);
    if (known.size >= KNOWN_MAX) known.clear();
    if (text.length <= KNOWN_CHARS_MAX) known.set(text, word);
  }
  return word;
}

function makeWord(given: string): Word {
  const bare = given.replace(/'s$/, "").replaceAll("'", "");
  const text = SHORT_FORMS.get(bare) ?? bare;
  const entry = lookUp(text);
  const keys = keysOf(text, entry);
  const replaced = (replacements ??= new Set([...REPLACEMENTS].flatMap((one) => keysOf(one, lookUp(one)))));
  return {
    text,
    entry,
    isFree:
      text.length < 2 ||
      DIGIT_FIRST.test(text) ||
      [given.replaceAll("'", ""), text, entry.lemma, ...entry.also].some((one) => FREE_WORDS.has(one)) ||
      keys.some((key) => replaced.has(key)),
    isFunction: FUNCTION_WORDS.has(text),
    keys,
  };
}

let replacements: ReadonlySet<string | number> | undefined;

/** Returns base forms, and numbers of groups: even ones of the hand-written, odd ones of WordNet's. */
function keysOf(text: string, { lemma, also, synonyms, groups }: Entry): (string | number)[] {
  const country = DEMONYMS.get(lemma);
  const names = country === undefined ? [text, lemma, ...also] : [text, lemma, ...also, country];
  return [...names, ...synonyms.map((one) => 2 * one), ...groups.map((one) => 2 * one + 1)];
}

/**
 * Returns whether two sentences could be proven equal by their words alone: each required word has a possible partner on the other side.
 * `false` is certain at this level; `true` proves nothing. Costs a small part of parsing both.
 */
export function mayMatch(a: Bag, b: Bag, level: Level): boolean {
  return everyMayHave(b, a, level) && everyMayHave(a, b, level);
}

function everyMayHave(own: Bag, other: Bag, level: Level): boolean {
  const same = other.known();
  return own.words.every(
    (word) =>
      // The same word again, mostly; its keys are asked for only where it is another one.
      word.isFree || same.has(word) || hasKeyOf(word, other.keys()) || isSpecial(word, own, other, level),
  );
}

function hasKeyOf({ keys }: Word, others: ReadonlySet<string | number>): boolean {
  for (const key of keys) if (others.has(key)) return true;
  return false;
}

/**
 * Returns true for a word that needs no partner of its own: part of a compound, initials, a misspelling, a repetition; at looser levels a
 * word with little meaning.
 */
function isSpecial(word: Word, own: Bag, other: Bag, level: Level): boolean {
  const { text, entry } = word;
  const { groups, lemma } = entry;
  for (const [at, { text: theirs, isFunction }] of other.words.entries()) {
    if (isFunction) continue;
    // "web" beside "website", and the other way round.
    if (theirs.length > text.length && theirs.includes(text)) return true;
    if (text.startsWith(theirs) && isJoined(text, other.words, at)) return true;
    if (isMisspelt(text, theirs)) return true;
    if (isShort(theirs) && initialsOf(own.words).includes(theirs)) return true;
  }
  if (isShort(text) && initialsOf(other.words).includes(text)) return true;
  if (
    groups.length > 0 &&
    own.words.some((one) => one.entry.lemma !== lemma && one.entry.groups.some((group) => groups.includes(group)))
  )
    return true;
  if (level === "strict") return false;
  return (
    LIGHT.has(lemma) ||
    LIGHT_PLURALS.has(text) ||
    CLASSES.has(lemma) ||
    ESTEEM.has(text) ||
    // A participle after its noun, and a repeated word.
    text.endsWith("ed") ||
    own.words.some((one) => one !== word && one.entry.lemma === lemma) ||
    own.words.indexOf(word) !== own.words.lastIndexOf(word) ||
    entry.parts.startsWith("v") ||
    other.words.some((one) => !one.isFunction && areNear(entry, one.entry, level))
  );
}

/** Words of a compound, at most. */
const JOINED_MAX = 5;

/** Whether the words from `from` on are `text` when they are written together, in the singular or plural. */
function isJoined(text: string, words: readonly Word[], from: number): boolean {
  let [joined, count] = ["", 0];
  for (let at = from; at < words.length && count < JOINED_MAX; at += 1) {
    const word = words[at] as Word;
    if (word.isFunction) continue;
    joined += word.text;
    count += 1;
    if (count > 1 && (joined === text || `${joined}s` === text || joined === `${text}s`)) return true;
    if (!text.startsWith(joined)) return false;
  }
  return false;
}

function isShort({ length }: string): boolean {
  return length >= 2 && length <= JOINED_MAX;
}

/** The first letters of all words that are no function words. */
function initialsOf(words: readonly Word[]): string {
  let initials = "";
  for (const { text, isFunction } of words) if (!isFunction) initials += text[0] as string;
  return initials;
}

function isMisspelt(one: string, other: string): boolean {
  return (
    one.length >= MISSPELT_FROM &&
    other.length >= MISSPELT_FROM &&
    isTypo(one, other) &&
    isKnown(one) !== isKnown(other)
  );
}
