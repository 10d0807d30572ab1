/** Similarity measure. */
export type Metric = "cosine" | "ip" | "l2";

/**
 * Converts an engine's score to a similarity: larger is nearer on every metric. `cosine`: -1 to 1. `ip`: the dot product. `l2`: 1 / (1 +
 * Euclidean distance), above 0 up to 1.
 */
export const similarity: Readonly<
  Record<"fromCosine" | "fromDot" | "fromSquaredDistance", (counted: number) => number>
> = {
  fromCosine: (cosine) => Math.max(-1, Math.min(1, cosine)),
  fromDot: (product) => product,
  fromSquaredDistance: (squared) => 1 / (1 + Math.sqrt(Math.max(0, squared))),
};

/** Computes the similarity of two vectors in full precision. This is the reference for all engines. */
export function similarityOf(metric: Metric, a: Float32Array, b: Float32Array): number {
  if (metric === "l2") return similarity.fromSquaredDistance(dot(a, a) + dot(b, b) - 2 * dot(a, b));
  if (metric === "ip") return dot(a, b);
  return similarity.fromCosine(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)));
}

/** Computes the dot product. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at += 1) sum += (a[at] as number) * (b[at] as number);
  return sum;
}
