import { comparable } from "../internal/comparable.ts";
import { dot, similarity, type Metric } from "./scale.ts";

/**
 * Converts vectors of any metric for an index that supports only cosine. Stored vectors get additional coordinates that put all of them on
 * one sphere, where the order by angle equals the order by the metric.
 *
 * - `cosine`: unchanged.
 * - `ip`: x -> (x, rest), q -> (q, 0). The angle between them grows as the dot product falls.
 * - `l2`: with lengths as parts of the longest one, x -> (2x, -|x|², rest), q -> (q, 1, 0), whose dot product is |q|² - |q - x|².
 *
 * Each added coordinate is spread over 16 places: 8-bit indexes scale by the largest coordinate, so a single large one would cost the
 * others their precision. (This is the known reduction of maximum inner product search to nearest neighbours.)
 */
export interface Lift {
  readonly dimensions: number;
  item(vector: Float32Array): Float32Array;
  query(vector: Float32Array): Float32Array;
  /** Converts the cosine between a lifted item and a lifted query to the metric's similarity. */
  similarity(cosine: number, query: Float32Array): number;
  /** Converts a lifted vector back to the item's vector. */
  lower(lifted: Float32Array): Float32Array;
}

const SPREAD = 16;
const SHARE = 1 / Math.sqrt(SPREAD);

/** Returns the lift for a metric; no item may be longer than `lengthMax`. */
export function liftFor(metric: Metric, dimensions: number, lengthMax: number): Lift {
  if (metric === "cosine") {
    return {
      dimensions,
      item: (vector) => vector,
      query: (vector) => vector,
      similarity: similarity.fromCosine,
      lower: (lifted) => lifted,
    };
  }
  if (metric === "ip") {
    return {
      dimensions: dimensions + SPREAD,
      item: (vector) => join([vector, spread(rest(lengthMax ** 2, dot(vector, vector)))]),
      query: (vector) => join([comparable(vector), spread(0)]),
      similarity: (cosine, query) => similarity.fromDot(cosine * Math.sqrt(dot(query, query)) * lengthMax),
      lower: (lifted) => lifted.slice(0, dimensions),
    };
  }
  const radius = Math.sqrt(5);
  const scale = (vector: Float32Array) => vector.map((value) => value / lengthMax);
  return {
    dimensions: dimensions + 2 * SPREAD,
    item(vector) {
      const scaled = scale(vector);
      const squares = dot(scaled, scaled);
      const doubled = scaled.map((value) => 2 * value);
      return join([doubled, spread(-squares), spread(rest(radius ** 2, 4 * squares + squares ** 2))]);
    },
    query: (vector) => comparable(join([scale(vector), spread(1), spread(0)])),
    similarity(cosine, query) {
      const squares = dot(query, query) / lengthMax ** 2;
      return similarity.fromSquaredDistance((squares - cosine * radius * Math.sqrt(squares + 1)) * lengthMax ** 2);
    },
    lower: (lifted) => lifted.slice(0, dimensions).map((value) => (value / 2) * lengthMax),
  };
}

function rest(whole: number, used: number): number {
  return Math.sqrt(Math.max(0, whole - used));
}

function spread(value: number): Float32Array {
  return new Float32Array(SPREAD).fill(value * SHARE);
}

function join(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
