import { toBytes } from "../../internal/bytes.ts";
import type { AttributeValue } from "../filter.ts";

/** A vector in 8-bit numbers, each relative to the largest one. */
export interface RoundedVector {
  readonly numbers: Int8Array;
  /** Value of one step. */
  readonly step: number;
}

/** A row as stored in Redis: the step as float32, the numbers, and the attributes as JSON. */
export interface Row extends RoundedVector {
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

const STEP_BYTES = 4;
const LARGEST = 127;

/** Bytes of a row before its attributes. */
export function headOf(dimensions: number): number {
  return STEP_BYTES + dimensions;
}

/** Rounds a vector. The cosine with the original is at least about .9999 at 256 dimensions. A zero vector stays zero. */
export function round(vector: Float32Array): RoundedVector {
  let largest = 0;
  for (const value of vector) largest = Math.max(largest, Math.abs(value));
  const step = Math.fround(largest / LARGEST);
  // Numbers too small for float32 to divide round to nothing.
  const numbers = Int8Array.from(vector, (value) =>
    step === 0 ? 0 : Math.max(-LARGEST, Math.min(LARGEST, Math.round(value / step))),
  );
  return { numbers, step };
}

/** Returns the rounded vector. */
export function unround({ numbers, step }: RoundedVector): Float32Array {
  return Float32Array.from(numbers, (value) => value * step);
}

/** Encodes a row for Redis. */
export function encodeRow(vector: Float32Array, attributes: Row["attributes"]): Buffer {
  const { numbers, step } = round(vector);
  return Buffer.concat([toBytes(Float32Array.of(step)), toBytes(numbers), Buffer.from(JSON.stringify(attributes))]);
}

/** Decodes a row; `undefined` if its length is wrong, because something else wrote it. */
export function decodeRow(bytes: Buffer, dimensions: number): Row | undefined {
  const head = headOf(dimensions);
  if (bytes.length < head) return undefined;
  const step = bytes.readFloatLE(0);
  const numbers = new Int8Array(bytes.buffer, bytes.byteOffset + STEP_BYTES, dimensions).slice();
  try {
    const attributes = JSON.parse(bytes.toString("utf8", head)) as Row["attributes"];
    return Number.isFinite(step) && typeof attributes === "object" && attributes !== null
      ? { numbers, step, attributes }
      : undefined;
  } catch {
    return undefined;
  }
}
