import { MarrowError } from "../errors.ts";
import { toBytes } from "../internal/bytes.ts";
import { describe } from "../internal/describe.ts";

/** A vector as callers have it. */
export type Vector = Float32Array | readonly number[];

/**
 * A vector as little-endian float32 bytes, checked before any engine sees it: engines take NaN and zero vectors without a word, and
 * answer nonsense ever after.
 * @throws MarrowError `invalid_input` naming what is wrong
 */
export function toVectorBytes(path: string, vector: Vector, dimensions: number): Buffer {
  const list = vector instanceof Float32Array || Array.isArray(vector);
  if (!list) throw wrong(path, `a Float32Array or a list of ${dimensions} numbers, got ${describe(vector)}`);
  if (vector.length !== dimensions) throw wrong(path, `${dimensions} numbers long, got ${vector.length}`);
  const floats = vector instanceof Float32Array ? vector : new Float32Array(vector as readonly number[]);
  let size = 0;
  for (let at = 0; at < dimensions; at += 1) {
    if (!Number.isFinite(floats[at]) || typeof vector[at] !== "number")
      throw wrong(path, `finite numbers, and number ${at} is not`);
    size += Math.abs(floats[at] as number);
  }
  if (size === 0) throw wrong(path, "other than zero, which is near to nothing");
  return toBytes(floats);
}

function wrong(path: string, expected: string): MarrowError {
  return new MarrowError("invalid_input", `${path} must be ${expected}`, { details: { path } });
}
