import type { Word } from "../embedders/index.ts";
import { isTooLong } from "./guard.ts";
import { prove, read, type Level, type Veto } from "./proof/index.ts";
import { read as readWords } from "./reading.ts";
import { isTooManyWords, toFeatures, toSheet } from "./verifier/features.ts";
import { likelihood, type Logistic } from "./verifier/logistic.ts";
import { noteStep } from "../internal/steps.ts";

/** Reason why a near stored question is not served. */
export type Refusal = Veto | "below_threshold" | "too_old" | "ended" | "invalidated" | "unproven" | "unsealed";

/** A stored question, compared with the asked one. */
export interface Judgement {
  readonly similarity: number;
  /** Score that orders candidates and sorts audits: the cosine, or the verifier's likelihood. */
  readonly score: number;
  readonly refusal?: Refusal | undefined;
}

/** Options of a judgement. */
export interface JudgeOptions {
  /** Tolerance of the proof. */
  readonly level: Level;
  /** Weights of the verifier; absent if the cosine is the score. */
  readonly verifier: Logistic | undefined;
  /** Whether the cheapest reason for a refusal is enough: `ProveOptions.quick`. */
  readonly quick?: boolean | undefined;
  /** Cosine below which candidates are not compared. */
  readonly floor: number;
  /** Least cosine of an unproven near miss. */
  readonly near: number;
  /** Score from which a proven question is served; 0 if a proof is enough. */
  readonly threshold: number;
  readonly words: (word: string) => Word;
}

/** Compares stored questions with an asked one, which is analysed once. A stored question is served if it is proven to ask the same. */
export function createJudge(
  asked: string,
  { level, verifier, quick, floor, threshold, words }: Omit<JudgeOptions, "near">,
): (stored: string, similarity: number) => Judgement {
  noteStep("compare");
  const reading = read(asked);
  const sheet = once(() => toSheet(readWords(asked)));
  return (stored, similarity) => {
    if (similarity < floor)
      return { similarity, score: verifier === undefined ? similarity : 0, refusal: "below_threshold" };
    const proof = prove(reading, read(stored), level, { quick });
    if (!proof.proven) return { similarity, score: 0, refusal: proof.reason };
    let score = Math.min(1, similarity);
    if (verifier !== undefined) {
      if (isTooLong(asked) || isTooLong(stored)) return { similarity, score: 0, refusal: "length" };
      const other = toSheet(readWords(stored));
      if (isTooManyWords(sheet(), other)) return { similarity, score: 0, refusal: "length" };
      score = likelihood(verifier, toFeatures(sheet(), other, score, words));
    }
    return { similarity, score, ...(score < threshold && { refusal: "below_threshold" as const }) };
  };
}

function once<T>(work: () => T): () => T {
  let done: { readonly value: T } | undefined;
  return () => (done ??= { value: work() }).value;
}
