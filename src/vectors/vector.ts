import { MarrowError } from "../errors.ts";
import { comparable } from "../internal/comparable.ts";
import { describe } from "../internal/describe.ts";
import type { Quantisation } from "./capacity.ts";
import type { Metric } from "./scale.ts";

/** A vector as callers pass it. */
export type Vector = Float32Array | readonly number[];

/** Constraints on a vector. */
export interface VectorShape {
  readonly dimensions: number;
  readonly metric: Metric;
  /** Longest Euclidean length; `Infinity` if it does not matter. */
  readonly lengthMax: number;
  /** Numbers of 16 bits have a smaller range. */
  readonly quantisation?: Quantisation | undefined;
}

/** Lengths at which numbers of 16 bits neither overflow nor lose precision. */
const HALF_RANGE = { from: 2 ** -6, to: 2 ** 15 } as const;

/** Tolerance for lengths, because of rounding to 32 bits. */
const ROUNDING = 1 + 1e-5;

/**
 * Copies a vector to float32 and checks it before any engine gets it: engines accept NaN and zero vectors silently and then return wrong
 * results. For the cosine, a vector that is too long or too short for an engine's numbers is brought to length 1.
 * @throws MarrowError `invalid_input` with the problem
 */
export function toVector(
  path: string,
  vector: Vector,
  { dimensions, metric, lengthMax, quantisation }: VectorShape,
): Float32Array {
  const list = vector instanceof Float32Array || Array.isArray(vector);
  if (!list) throw wrong(path, `a Float32Array or a list of ${dimensions} numbers, got ${describe(vector)}`);
  if (vector.length !== dimensions) throw wrong(path, `${dimensions} numbers long, got ${vector.length}`);
  const floats = vector instanceof Float32Array ? vector : new Float32Array(dimensions);
  let squares = 0;
  for (let at = 0; at < dimensions; at += 1) {
    const given: unknown = vector[at];
    if (floats !== vector && typeof given === "number") floats[at] = given;
    if (!Number.isFinite(floats[at]) || typeof given !== "number")
      throw wrong(path, `finite numbers, and number ${at} is not`);
    squares += (floats[at] as number) ** 2;
  }
  if (squares === 0 && metric !== "l2") throw wrong(path, "other than zero, which is near to nothing");
  if (Math.sqrt(squares) > lengthMax * ROUNDING)
    throw wrong(path, `no longer than lengthMax (${lengthMax}), got ${Math.sqrt(squares).toPrecision(6)}`);
  const fit =
    metric === "cosine" ? comparable(floats, squares, quantisation === "f16" ? HALF_RANGE : undefined) : floats;
  // Its numbers are read later too: the caller may change its own array meanwhile.
  return fit === vector ? vector.slice() : fit;
}

function wrong(path: string, expected: string): MarrowError {
  return new MarrowError("invalid_input", `${path} must be ${expected}`, { details: { path } });
}
