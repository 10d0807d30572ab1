import type { Word } from "../embedders/index.ts";
import { compare, isTooLong, type Veto } from "./guard.ts";
import { read } from "./reading.ts";
import { isTooManyWords, toFeatures, toSheet } from "./verifier/features.ts";
import { likelihood, type Logistic } from "./verifier/logistic.ts";

/** Why a stored question does not serve, though it is near. */
export type Refusal = Veto | "below_threshold" | "too_old" | "ended" | "invalidated" | "unproven" | "unsealed";

/** A stored question, held against the one that is asked. */
export interface Judgement {
  readonly similarity: number;
  /** What the threshold is held against: the likelihood that one answer serves both, or the cosine. */
  readonly score: number;
  readonly refusal?: Refusal | undefined;
}

/** What judges by. */
export interface JudgeOptions {
  /** Weights of the verifier; absent: the cosine is the score. */
  readonly verifier: Logistic | undefined;
  /** Cosine below which nothing is looked at. */
  readonly floor: number;
  /** Score from which a stored question serves. */
  readonly threshold: number;
  readonly words: (word: string) => Word;
}

/** Holds stored questions against one that is asked, which is read once. Pure. */
export function createJudge(
  asked: string,
  { verifier, floor, threshold, words }: JudgeOptions,
): (stored: string, similarity: number) => Judgement {
  const tooLong = isTooLong(asked);
  const reading = once(() => read(asked));
  const sheet = once(() => toSheet(reading()));
  return (stored, similarity) => {
    const refused = (refusal: Refusal): Judgement => ({ similarity, score: 0, refusal });
    if (similarity < floor)
      return { similarity, score: verifier === undefined ? similarity : 0, refusal: "below_threshold" };
    if (tooLong || isTooLong(stored)) return refused("length");
    const other = read(stored);
    const veto = compare(reading(), other);
    if (veto !== undefined) return refused(veto);
    let score = similarity;
    if (verifier !== undefined) {
      const otherSheet = toSheet(other);
      if (isTooManyWords(sheet(), otherSheet)) return refused("length");
      score = likelihood(verifier, toFeatures(sheet(), otherSheet, Math.min(1, similarity), words));
    }
    return { similarity, score, ...(score < threshold && { refusal: "below_threshold" as const }) };
  };
}

function once<T>(work: () => T): () => T {
  let done: { readonly value: T } | undefined;
  return () => (done ??= { value: work() }).value;
}
