import { MarrowError } from "../errors.ts";
import { describe } from "../internal/describe.ts";
import type { Metric } from "./scale.ts";

/** A vector as callers have it. */
export type Vector = Float32Array | readonly number[];

/** What a vector must be. */
export interface VectorShape {
  readonly dimensions: number;
  readonly metric: Metric;
  /** Longest Euclidean length; `Infinity` where it does not matter. */
  readonly lengthMax: number;
}

/** A hair of room for lengths, for what rounding to 32 bits adds. */
const ROUNDING = 1 + 1e-5;

/**
 * A vector as float32, checked before any engine sees it: engines take NaN and zero vectors without a word, and answer nonsense
 * ever after.
 * @throws MarrowError `invalid_input` naming what is wrong
 */
export function toVector(path: string, vector: Vector, { dimensions, metric, lengthMax }: VectorShape): Float32Array {
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
  return floats;
}

function wrong(path: string, expected: string): MarrowError {
  return new MarrowError("invalid_input", `${path} must be ${expected}`, { details: { path } });
}
