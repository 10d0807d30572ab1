/** Lengths from `from` to `to`. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** Lengths between which a vector's numbers have 32-bit squares, and sums of squares, that neither overflow nor vanish. */
const FLOAT_RANGE: Range = { from: 1e-15, to: 1e15 };

/**
 * Returns a vector of the same direction that engines can compare by the cosine, which sees no length: the vector itself, or, if its length
 * is outside a range, a copy of length 1. Engines add up squares in 32 bits, so beyond the range all cosines would be 0 or NaN.
 */
export function comparable(
  vector: Float32Array,
  squares: number = squaresOf(vector),
  range: Range = FLOAT_RANGE,
): Float32Array {
  const length = Math.sqrt(squares);
  return length === 0 || (length >= range.from && length <= range.to) ? vector : vector.map((value) => value / length);
}

function squaresOf(vector: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < vector.length; at += 1) sum += (vector[at] as number) ** 2;
  return sum;
}
