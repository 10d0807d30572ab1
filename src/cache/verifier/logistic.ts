/** A logistic regression of the probability that a pair of prompts may share an answer, from its features. */
export interface Logistic {
  readonly intercept: number;
  readonly weights: readonly number[];
}

/** Returns the likelihood, 0 to 1. */
export function likelihood({ intercept, weights }: Logistic, features: readonly number[]): number {
  let sum = intercept;
  for (let at = 0; at < weights.length; at += 1) sum += (weights[at] as number) * (features[at] ?? 0);
  return 1 / (1 + Math.exp(-sum));
}

/** One labelled pair. */
export interface Example {
  readonly features: readonly number[];
  readonly label: 0 | 1;
  /** Weight of the example. @default 1 */
  readonly weight?: number | undefined;
}

const STEPS_MAX = 100;
const ENOUGH = 1e-8;

/**
 * Fits by Newton's method with an L2 penalty on the weights (not on the intercept). Milliseconds for thousands of pairs. Deterministic.
 * Returns `start` without examples of both labels.
 */
export function fit(examples: readonly Example[], penalty: number, start: Logistic): Logistic {
  if (new Set(examples.map(({ label }) => label)).size < 2) return start;
  const size = start.weights.length + 1;
  let beta: Float64Array = new Float64Array([start.intercept, ...start.weights]);
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const gradient = new Float64Array(size);
    const hessian = Array.from({ length: size }, () => new Float64Array(size));
    for (const { features, label, weight = 1 } of examples) {
      const row = [1, ...features];
      const p = 1 / (1 + Math.exp(-row.reduce((sum, value, at) => sum + value * (beta[at] as number), 0)));
      const curve = weight * Math.max(1e-9, p * (1 - p));
      for (let i = 0; i < size; i += 1) {
        gradient[i] = (gradient[i] as number) + weight * (label - p) * (row[i] as number);
        const line = hessian[i] as Float64Array;
        for (let j = 0; j <= i; j += 1) line[j] = (line[j] as number) + curve * (row[i] as number) * (row[j] as number);
      }
    }
    for (let i = 0; i < size; i += 1) {
      const line = hessian[i] as Float64Array;
      for (let j = i + 1; j < size; j += 1) line[j] = (hessian[j] as Float64Array)[i] as number;
      const held = i === 0 ? 1e-6 : penalty;
      line[i] = (line[i] as number) + held;
      gradient[i] = (gradient[i] as number) - held * (i === 0 ? 0 : (beta[i] as number));
    }
    const change = solve(hessian, gradient);
    beta = beta.map((value, at) => value + (change[at] as number));
    if (change.every((value) => Math.abs(value) < ENOUGH)) break;
  }
  const [intercept = 0, ...weights] = beta;
  return { intercept, weights };
}

/** Gauss with pivots; the matrix is positive definite. */
function solve(matrix: readonly Float64Array[], right: Float64Array): Float64Array {
  const size = right.length;
  const rows: Float64Array[] = matrix.map((row, at) => Float64Array.from([...row, right[at] as number]));
  for (let column = 0; column < size; column += 1) {
    let pivot = column;
    for (let row = column + 1; row < size; row += 1)
      if (
        Math.abs((rows[row] as Float64Array)[column] as number) >
        Math.abs((rows[pivot] as Float64Array)[column] as number)
      )
        pivot = row;
    [rows[column], rows[pivot]] = [rows[pivot] as Float64Array, rows[column] as Float64Array];
    const top = rows[column] as Float64Array;
    for (let row = column + 1; row < size; row += 1) {
      const line = rows[row] as Float64Array;
      const factor = (line[column] as number) / (top[column] as number);
      for (let at = column; at <= size; at += 1) line[at] = (line[at] as number) - factor * (top[at] as number);
    }
  }
  const solution = new Float64Array(size);
  for (let row = size - 1; row >= 0; row -= 1) {
    const line = rows[row] as Float64Array;
    let sum = line[size] as number;
    for (let at = row + 1; at < size; at += 1) sum -= (line[at] as number) * (solution[at] as number);
    solution[row] = sum / (line[row] as number);
  }
  return solution;
}
