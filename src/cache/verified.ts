import { fit } from "./verifier/logistic.ts";

/** One comparison of an entry's answer with a fresh one. */
export interface Observation {
  readonly score: number;
  readonly right: boolean;
}

/** Most observations per entry. The fit reads all of them at each lookup. */
export const OBSERVATIONS_MAX = 50;
/** With fewer, an entry has proven nothing. */
const OBSERVATIONS_MIN = 4;
const CONFIDENCES = 50;
/** Keeps the fit finite where right and wrong part cleanly. */
const PENALTY = 0.02;

/**
 * Returns the probability with which an entry may be served for a question of this score, so that the fraction of wrong answers over all
 * its questions stays at or below `errorMax`: 1 for a proven score, less for an uncertain one, 0 without evidence. Pure. Method: vCache
 * (arXiv 2502.03771), a logistic threshold per entry, its uncertainty, and chance.
 */
export function serveProbability(observations: readonly Observation[], score: number, errorMax: number): number {
  if (observations.length < OBSERVATIONS_MIN) return 0;
  const examples = [
    // Known in advance: unlike questions share no answer, the same question does.
    { features: [0], label: 0 as const },
    { features: [1], label: 1 as const },
    ...observations.map((one) => ({ features: [one.score], label: one.right ? (1 as const) : (0 as const) })),
  ];
  const { intercept, weights } = fit(examples, PENALTY, { intercept: 0, weights: [0] });
  const slope = Math.max(1e-6, weights[0] ?? 0);
  const threshold = clip(-intercept / slope);
  const spread = Math.sqrt(
    varianceOf(
      examples.map(({ features }) => features[0] as number),
      intercept,
      slope,
    ),
  );
  let served = 0;
  for (let at = 1; at <= CONFIDENCES; at += 1) {
    const doubt = at / (CONFIDENCES + 1);
    const cautious = clip(threshold + quantile(1 - doubt) * spread);
    const right = (1 - doubt) * sigmoid(slope * (score - cautious));
    served = Math.max(served, errorMax / Math.max(1e-12, 1 - right));
  }
  return Math.min(1, served);
}

/** Variance of the threshold -a/b, by the delta method from the curvature of the fit. */
function varianceOf(scores: readonly number[], intercept: number, slope: number): number {
  let [aa, ab, bb] = [1e-6, 0, PENALTY];
  for (const score of scores) {
    const p = sigmoid(intercept + slope * score);
    const curve = Math.max(1e-9, p * (1 - p));
    aa += curve;
    ab += curve * score;
    bb += curve * score * score;
  }
  const determinant = Math.max(1e-12, aa * bb - ab * ab);
  const [x, y] = [-1 / slope, intercept / slope ** 2];
  return Math.max(0, (x * x * bb - 2 * x * y * ab + y * y * aa) / determinant);
}

/** Returns the quantile of the standard normal distribution (Acklam's rational approximation, to about 1e-9). */
export function quantile(p: number): number {
  if (p <= 0) return -Infinity;
  if (p >= 1) return Infinity;
  const a = [
    -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
  ];
  const b = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1];
  const c = [
    -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ];
  const d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
  const horner = (coefficients: readonly number[], x: number) => coefficients.reduce((sum, one) => sum * x + one, 0);
  if (p > 1 - 0.02425) return -quantile(1 - p);
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    return horner(c, q) / horner(d, q);
  }
  const q = p - 0.5;
  return (horner(a, q * q) * q) / horner(b, q * q);
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function clip(value: number): number {
  return Math.max(0, Math.min(1, value));
}
