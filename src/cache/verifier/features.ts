import type { Word } from "../../embedders/index.ts";
import { hasAntonyms, isTurnedAround, sameSet } from "../guard.ts";
import { isSpoken, type Reading } from "../reading.ts";

/** Features of a pair of prompts, in this order. */
export const FEATURES = [
  "cosine",
  "cosine4",
  "jaccard",
  "containment",
  "trigrams",
  "numbers",
  "numbersBoth",
  "negation",
  "negationAlike",
  "antonym",
  "direction",
  "nameOne",
  "nameBoth",
  "kind",
  "length",
  "aloneFewer",
  "aloneMore",
  "alignedMean",
  "alignedWorst",
  "aloneWeight",
  "aloneShare",
  "aloneBoth",
  "sameWords",
  "headAlone",
  "logLength",
  "contentCosine",
  "contentCosine4",
] as const;

/** An analysed prompt for several comparisons. */
export interface Sheet {
  readonly reading: Reading;
  readonly numbers: ReadonlySet<string>;
  /** Stems of the content words, in order. */
  readonly content: readonly string[];
  readonly contentSet: ReadonlySet<string>;
  readonly trigrams: ReadonlySet<number>;
  readonly kind: string;
}

const STOP = new Set(
  (
    "a an the of in on at for to from by with and or is are was were be been am do does did can could will would shall should may might must have has had " +
    "i me my mine you your yours we our us he she it its they them their this that these those there here what which who whom whose when where why how " +
    "please tell give show explain describe list name find get make want need know let help say if as so about into than then some any all just also " +
    "s t re ve ll d m vs versus im whats hows wheres whos id ive lets tips advice ways way guide guides steps tutorial top best good great"
  ).split(" "),
);

/** Analyses a prompt. */
export function toSheet(reading: Reading): Sheet {
  const content = reading.order.filter((word) => !STOP.has(word)).map(stem);
  const used = content.length > 0 ? content : reading.order.map(stem);
  return {
    reading,
    numbers: reading.numbers(),
    content: used,
    contentSet: new Set(used),
    trigrams: trigramsOf(` ${used.join(" ")} `),
    kind: reading.asks,
  };
}

/** Three characters together, each as one number: quicker than as many little strings. */
function trigramsOf(text: string): ReadonlySet<number> {
  const grams = new Set<number>();
  let two = text.charCodeAt(0) * 65_536 + text.charCodeAt(1);
  for (let at = 2; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    grams.add(two * 65_536 + code);
    two = (two % 65_536) * 65_536 + code;
  }
  return grams;
}

/** Comparisons of one word with another that one pair of prompts may cost: some milliseconds. */
const COMPARISONS_MAX = 16_384;

/** Returns true if two prompts have too many different words to compare all pairs in time. */
export function isTooManyWords(a: Sheet, b: Sheet): boolean {
  const alone = (one: Sheet, other: Sheet) => [...one.contentSet].filter((word) => !other.contentSet.has(word)).length;
  return alone(a, b) * b.content.length + alone(b, a) * a.content.length > COMPARISONS_MAX;
}

/** Computes the features of a pair, each from about 0 to about 1. Symmetric. */
export function toFeatures(a: Sheet, b: Sheet, cosine: number, words: (word: string) => Word): number[] {
  const shared = [...a.contentSet].filter((word) => b.contentSet.has(word)).length;
  const union = a.contentSet.size + b.contentSet.size - shared;
  const jaccard = ratio(shared, union);
  const aloneA = [...a.contentSet].filter((word) => !b.contentSet.has(word));
  const aloneB = [...b.contentSet].filter((word) => !a.contentSet.has(word));
  const aligned = [...aloneA.map((word) => nearest(word, b, words)), ...aloneB.map((word) => nearest(word, a, words))];
  const weightOf = (list: readonly string[]) => list.reduce((sum, word) => sum + words(word).weight, 0);
  const all = weightOf([...a.contentSet]) + weightOf([...b.contentSet]);
  // A word counts as alone as far as nothing on the other side is near to it.
  const lonely = [...aloneA, ...aloneB].map((word, at) => words(word).weight * (1 - (aligned[at] as number)));
  const lonelyA = lonely.slice(0, aloneA.length).reduce((sum, one) => sum + one, 0);
  const lonelyB = lonely.slice(aloneA.length).reduce((sum, one) => sum + one, 0);
  const numbers = sameSet(a.numbers, b.numbers) ? 0 : 1;
  const negation = a.reading.negations % 2 === b.reading.negations % 2 ? 0 : 1;
  const names = [missing(a.reading, b.reading), missing(b.reading, a.reading)];
  const lengths = [a.content.length, b.content.length].toSorted((x, y) => x - y) as [number, number];
  let gramsShared = 0;
  for (const gram of a.trigrams) if (b.trigrams.has(gram)) gramsShared += 1;
  const lastAlone = (one: Sheet, other: Sheet) =>
    one.content.length > 0 && other.contentSet.has(one.content.at(-1) as string) ? 0 : 0.5;
  const contentCosine = Math.max(0, cosineOfWords(a.content, b.content, words));
  return [
    cosine,
    cosine ** 4,
    jaccard,
    ratio(shared, Math.min(a.contentSet.size, b.contentSet.size)),
    ratio(gramsShared, a.trigrams.size + b.trigrams.size - gramsShared),
    numbers,
    numbers === 1 && a.numbers.size > 0 && b.numbers.size > 0 ? 1 : 0,
    negation,
    negation * jaccard,
    hasAntonyms(a.reading.words, b.reading.words) ? 1 : 0,
    isTurnedAround(a.reading, b.reading) ? 1 : 0,
    names[0] !== names[1] ? 1 : 0,
    names[0] === true && names[1] === true ? 1 : 0,
    a.kind === b.kind || a.kind === "" || b.kind === "" ? 0 : 1,
    1 - ratio(lengths[0], lengths[1]),
    Math.min(aloneA.length, aloneB.length, 4) / 4,
    Math.min(Math.max(aloneA.length, aloneB.length), 6) / 6,
    aligned.length === 0 ? 1 : aligned.reduce((sum, one) => sum + one, 0) / aligned.length,
    aligned.length === 0 ? 1 : Math.min(...aligned),
    Math.min(3, Math.max(0, ...lonely)) / 3,
    ratio(lonelyA + lonelyB, all),
    Math.min(lonelyA, lonelyB, 6) / 6,
    union === shared ? 1 : 0,
    lastAlone(a, b) + lastAlone(b, a),
    Math.min(1, Math.log1p(a.content.length + b.content.length) / 5),
    contentCosine,
    contentCosine ** 4,
  ];
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 1 : part / whole;
}

/** The cosine of two lists of words, each by its weight. */
function cosineOfWords(a: readonly string[], b: readonly string[], words: (word: string) => Word): number {
  const [left, right] = [a, b].map((list) => {
    const sum = new Float64Array(words("a").direction.length);
    for (const word of list) {
      const { direction, weight } = words(word);
      for (let at = 0; at < sum.length; at += 1) sum[at] = (sum[at] as number) + weight * (direction[at] as number);
    }
    return sum;
  }) as [Float64Array, Float64Array];
  let [dot, x, y] = [0, 0, 0];
  for (let at = 0; at < left.length; at += 1) {
    dot += (left[at] as number) * (right[at] as number);
    x += (left[at] as number) ** 2;
    y += (right[at] as number) ** 2;
  }
  return x === 0 || y === 0 ? 0 : dot / Math.sqrt(x * y);
}

/** Codes, short forms and versions are near to nothing but themselves, whatever their pieces are near to. */
const CODE = /[^\p{L}]|^.{1,2}$/u;

/** Returns the similarity to the nearest word of the other prompt, 0 to 1. */
function nearest(word: string, other: Sheet, words: (word: string) => Word): number {
  if (other.reading.spoken().has(word)) return 1;
  if (CODE.test(word)) return 0;
  const { direction } = words(word);
  let best = 0;
  for (const candidate of other.content) {
    if (CODE.test(candidate)) continue;
    const against = words(candidate).direction;
    let cosine = 0;
    for (let at = 0; at < direction.length; at += 1) cosine += (direction[at] as number) * (against[at] as number);
    if (cosine > best) best = cosine;
  }
  return Math.min(1, best);
}

function missing(a: Reading, b: Reading): boolean {
  return [...a.names()].some((name) => !isSpoken(name, b));
}

/** Strips a word's commonest endings, so that plurals and tenses do not matter. */
function stem(word: string): string {
  if (word.length > 4 && word.endsWith("ies")) return `${word.slice(0, -3)}y`;
  if (word.length > 5 && word.endsWith("ing")) return undouble(word.slice(0, -3));
  if (word.length > 4 && word.endsWith("ed")) return undouble(word.slice(0, -2));
  if (word.length > 3 && /[^su]s$/.test(word)) return word.slice(0, -1);
  return word;
}

function undouble(stemmed: string): string {
  return /([bdgmnprt])\1$/.test(stemmed) ? stemmed.slice(0, -1) : stemmed;
}
