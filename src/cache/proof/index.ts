import { amountsDiffer } from "./amounts.ts";
import { capitalsDiffer } from "./capitals.ts";
import { codeNamesDiffer } from "./code-names.ts";
import type { Level } from "./level.ts";
import { literalsDiffer } from "./literal.ts";
import { mayMatch } from "./matchable.ts";
import { mentionsDiffer } from "./mention.ts";
import { ordersDiffer } from "./ordered.ts";
import { proveClauses } from "./prove.ts";
import { SENTENCES_MAX, type ProofReading, type Sentence } from "./reading.ts";
import type { Veto } from "./veto.ts";

export type { Level } from "./level.ts";
export { stripInvisible } from "./fold.ts";
export { withLineFeeds } from "./layout.ts";
export { read, READ_CHARS_MAX, type ProofReading } from "./reading.ts";
export { gistOf, separate } from "./separate.ts";
export type { Veto } from "./veto.ts";

/** Result of a proof: whether one answer may serve both prompts; if not, the first reason found. */
export type Proof = { readonly proven: true } | { readonly proven: false; readonly reason: Veto };

/** Options of a proof. */
export interface ProveOptions {
  /**
   * Whether sentences without possible partners for their words are refused as `words` before they are parsed, even if another reason would
   * come first. The same pairs are proven, and refusals cost much less. @default false
   */
  readonly quick?: boolean | undefined;
}

/** Sentences on each side that may differ. */
const DIFFERING_MAX = 4;

/**
 * Proves that one answer serves two prompts, or returns why not. Text that both have literally is context; the rest must have the same
 * meaning, sentence by sentence. Pure, symmetric, deterministic; linear in the texts.
 */
export function prove(a: ProofReading, b: ProofReading, level: Level, { quick = false }: ProveOptions = {}): Proof {
  const reason = a.text === b.text ? undefined : reasonAgainst(a, b, level, quick);
  return reason === undefined ? { proven: true } : { proven: false, reason };
}

function reasonAgainst(a: ProofReading, b: ProofReading, level: Level, quick: boolean): Veto | undefined {
  if (a.tooLong || b.tooLong) return "length";
  if (a.context !== b.context) return "context";
  if (a.layout() !== b.layout()) return "symbol";
  if (a.sentences.length > SENTENCES_MAX || b.sentences.length > SENTENCES_MAX) return "length";
  const rest = withoutShared(a.sentences, b.sentences);
  if (rest === undefined) return "context";
  const [left, right] = rest;
  if (left.length === 0 && right.length === 0) return undefined;
  if (left.length !== right.length) return left.length === 0 || right.length === 0 ? "added" : "question";
  if (left.length > DIFFERING_MAX) return "length";
  if (isTooLong(left) || isTooLong(right)) return "length";
  if (quick && left.some((one, at) => !mayMatch(one.bag(), (right[at] as Sentence).bag(), level))) return "words";
  // Text that cannot be read as English is compared word for word, whatever its punctuation and case.
  if (!a.readable() || !b.readable()) return sameWords(left, right) ? undefined : "unreadable";
  for (const [at, sentence] of left.entries()) {
    const other = right[at] as Sentence;
    const reason = proveClauses(sentence.clause(), other.clause(), level);
    if (reason !== undefined) return reason;
    if (amountsDiffer(sentence.key, other.key)) return "quantifier";
    if (literalsDiffer(sentence.literal(), other.literal())) return "symbol";
    if (codeNamesDiffer(sentence.codeNames(), other.codeNames())) return "symbol";
    if (capitalsDiffer(sentence.capitals(), other.capitals())) return "capitals";
    if (mentionsDiffer(sentence.mention(), other.mention())) return "words";
    if (ordersDiffer(sentence.order(), other.order())) return "roles";
  }
  return undefined;
}

/** Characters of a sentence that is compared by meaning. */
const SENTENCE_CHARS_MAX = 1_500;

function isTooLong(sentences: readonly Sentence[]): boolean {
  return sentences.some(({ key }) => key.length > SENTENCE_CHARS_MAX);
}

function sameWords(a: readonly Sentence[], b: readonly Sentence[]): boolean {
  return a.every(({ key }, at) => wordsOf(key) === wordsOf(b[at]?.key ?? ""));
}

function wordsOf(key: string): string {
  return (key.toLowerCase().match(/[\p{L}\p{M}\p{N}]+|[^\s.,?!;:¿¡…"'`-]|-(?=\d)/gu) ?? []).join(" ");
}

/** Returns the rest of two texts without their common sentences, or `undefined` if these are in another order. */
function withoutShared(
  a: readonly Sentence[],
  b: readonly Sentence[],
): readonly [readonly Sentence[], readonly Sentence[]] | undefined {
  // Most prompts are one sentence.
  if (a.length === 1 && b.length === 1) return a[0]?.key === b[0]?.key ? [[], []] : [a, b];
  const count = (list: readonly Sentence[]) => {
    const found = new Map<string, number>();
    for (const { key } of list) found.set(key, (found.get(key) ?? 0) + 1);
    return found;
  };
  const [inA, inB] = [count(a), count(b)];
  const isShared = ({ key }: Sentence) => inA.has(key) && inA.get(key) === inB.get(key);
  const [sharedA, sharedB] = [a.filter(isShared), b.filter(isShared)];
  if (sharedA.some(({ key }, at) => key !== sharedB[at]?.key)) return undefined;
  return [a.filter((one) => !isShared(one)), b.filter((one) => !isShared(one))];
}
