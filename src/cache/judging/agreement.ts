import { isDeepStrictEqual } from "node:util";
import type { Refusal } from "../judge.ts";

/** A stored wording near the asked one, for comparison with other wordings. */
export interface Neighbour {
  /** Id of its entry. */
  readonly id: string;
  readonly similarity: number;
  readonly refusal: Refusal | undefined;
  readonly wording: string;
  readonly value: unknown;
}

/** Texts that are compared, in characters: longer ones have documents in them. */
const CHARS_MAX = 500;
/** Cosine that every neighbour must have. */
const SIMILARITY_MIN = 0.6;

/**
 * Reasons of the proof that other wordings can outweigh, because a word missing in one occurs in another. Never a conflict of numbers,
 * negation, roles, signs or context.
 */
const SOFT: ReadonlySet<Refusal | undefined> = new Set<Refusal>([
  "words",
  "added",
  "question",
  "quantifier",
  "person",
  "tense",
  "modality",
  "preposition",
  "conjunction",
  "below_threshold",
]);

/** Words that carry no subject. Negations are not among them. */
const LIGHT: ReadonlySet<string> = new Set(
  (
    "a an the of in on at to for from by with and or is are was were be do does did i me my you your we it this that what which who how when where " +
    "why can could would will please should need want have has get tell about there some any s m re ve ll if so just am"
  ).split(" "),
);

/**
 * Returns the neighbour to serve because all of the nearest wordings agree. They share one answer (one entry and its aliases, or equal
 * answers); every word of the question occurs in one of them; and the question has every word that all of them have. `undefined` if they
 * disagree or are fewer than `wordings`.
 *
 * Many judged wordings make up for a missing proof. Measured in `docs/roles/cache.md`. Pure.
 */
export function findAgreement(asked: string, near: readonly Neighbour[], wordings: number): Neighbour | undefined {
  const [nearest] = near;
  if (wordings === 0 || nearest === undefined || near.length < wordings) return undefined;
  const closest = near.slice(0, wordings);
  if (!closest.every(({ similarity, refusal }) => similarity >= SIMILARITY_MIN && SOFT.has(refusal))) return undefined;
  if ([asked, ...closest.map(({ wording }) => wording)].some((text) => text.length > CHARS_MAX)) return undefined;
  const own = contentOf(asked);
  const theirs = closest.map(({ wording }) => contentOf(wording));
  if (own.size === 0 || ![...own].every((word) => theirs.some((words) => words.has(word)))) return undefined;
  const common = [...(theirs[0] as ReadonlySet<string>)].filter((word) => theirs.every((words) => words.has(word)));
  if (!common.every((word) => own.has(word))) return undefined;
  // The question has the words that all of them share in an order, and after prepositions, that one of them has.
  const ordered = (words: ReadonlySet<string>) => [...words].filter((word) => common.includes(word)).join(" ");
  if (!theirs.some((words) => ordered(words) === ordered(own))) return undefined;
  const bound = new Set(closest.flatMap(({ wording }) => boundOf(wording)));
  if (!boundOf(asked).every((pair) => bound.has(pair))) return undefined;
  return closest.every(({ id, value }) => id === nearest.id || isDeepStrictEqual(value, nearest.value))
    ? nearest
    : undefined;
}

/** Prepositions that give their word a part that no other one has: from and to, before and after. */
const BINDING: ReadonlySet<string> = new Set(
  "from to into before after than by without since until between against over under above below versus vs instead except".split(
    " ",
  ),
);

/** Each binding preposition with the next word that carries the subject. */
function boundOf(text: string): readonly string[] {
  const words = wordsOf(text);
  return words.flatMap((word, at) => {
    if (!BINDING.has(word)) return [];
    const next = words.slice(at + 1, at + 4).find((one) => !LIGHT.has(one));
    return next === undefined ? [] : [`${word} ${next}`];
  });
}

/** The words of a text that carry its subject, without the commonest endings. */
function contentOf(text: string): ReadonlySet<string> {
  return new Set(wordsOf(text).filter((word) => !LIGHT.has(word)));
}

function wordsOf(text: string): readonly string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  return words.map((word) => (LIGHT.has(word) || BINDING.has(word) ? word : word.replace(/(?:ing|ed|es|s)$/, "")));
}
