import { cosine, staticWords, type Embedder } from "../../embedders/index.ts";
import type { Judged } from "../evaluate.ts";
import { findVeto } from "../guard.ts";
import { prove, read as readPrompt, type Level } from "../proof/index.ts";
import { isFollowUp } from "../follow-up.ts";
import { read } from "../reading.ts";
import { FEATURES, toFeatures, toSheet } from "./features.ts";
import { fit, likelihood, type Example, type Logistic } from "./logistic.ts";

/** Two prompts with a label: whether one answer may serve both. */
export interface LabelledPair {
  readonly a: string;
  readonly b: string;
  readonly label: 0 | 1;
}

const PENALTY = 0.3;
const BATCH = 256;

/**
 * Fits the verifier to labelled pairs for one embedder. Pairs that the guard vetoes are ignored, since they are never scored.
 * @throws MarrowError `embedder_failed`
 */
export async function fitVerifier(pairs: readonly LabelledPair[], embedder: Embedder): Promise<Logistic> {
  const used = pairs.filter(({ a, b }) => findVeto(a, b) === undefined);
  const positives = used.filter(({ label }) => label === 1).length;
  // However the labels are shared out, the wrong pairs weigh half as much again as the right ones.
  const weight = (1.5 * positives) / Math.max(1, used.length - positives);
  const features = await featuresOf(used, embedder);
  const examples = used.map(({ label }, at): Example => ({
    label,
    features: features[at] as number[],
    weight: label === 1 ? 1 : weight,
  }));
  const { intercept, weights } = fit(examples, PENALTY, { intercept: 0, weights: FEATURES.map(() => 0) });
  return { intercept: round(intercept), weights: weights.map(round) };
}

/** Scores labelled pairs as a cache would: 0 without a proof, else the cosine or the verifier. @throws MarrowError `embedder_failed` */
export async function scorePairs(
  pairs: readonly LabelledPair[],
  embedder: Embedder,
  verifier: Logistic | undefined,
  level: Level = "strict",
): Promise<Judged[]> {
  const features = await featuresOf(pairs, embedder);
  return pairs.map(({ a, b, label }, at) => {
    const row = features[at] as number[];
    const refused = isFollowUp(a) || isFollowUp(b) || !prove(readPrompt(a), readPrompt(b), level).proven;
    const score = verifier === undefined ? (row[0] as number) : likelihood(verifier, row);
    return { label, score: refused ? 0 : Math.max(0, score) };
  });
}

async function featuresOf(pairs: readonly LabelledPair[], embedder: Embedder): Promise<number[][]> {
  const texts = [...new Set(pairs.flatMap(({ a, b }) => [a, b]))];
  const vectors = new Map<string, Float32Array>();
  for (let start = 0; start < texts.length; start += BATCH) {
    const part = texts.slice(start, start + BATCH);
    (await embedder.embed(part)).forEach((vector, at) => vectors.set(part[at] as string, vector));
  }
  const words = staticWords();
  return pairs.map(({ a, b }) => {
    const near = cosine(vectors.get(a) as Float32Array, vectors.get(b) as Float32Array);
    return toFeatures(toSheet(read(a)), toSheet(read(b)), near, words);
  });
}

function round(value: number): number {
  return Number(value.toPrecision(6));
}
