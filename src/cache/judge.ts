import type { Word } from "../embedders/index.ts";
import { compare, type Veto } from "./guard.ts";
import { read } from "./reading.ts";
import { toFeatures, toSheet, type Sheet } from "./verifier/features.ts";
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
  const reading = read(asked);
  let sheet: Sheet | undefined;
  return (stored, similarity) => {
    if (similarity < floor)
      return { similarity, score: verifier === undefined ? similarity : 0, refusal: "below_threshold" };
    const other = read(stored);
    const veto = compare(reading, other);
    if (veto !== undefined) return { similarity, score: 0, refusal: veto };
    const score =
      verifier === undefined
        ? similarity
        : likelihood(
            verifier,
            toFeatures((sheet ??= toSheet(reading)), toSheet(other), Math.min(1, similarity), words),
          );
    return { similarity, score, ...(score < threshold && { refusal: "below_threshold" as const }) };
  };
}
