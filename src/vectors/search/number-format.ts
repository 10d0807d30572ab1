import { toBytes } from "../../internal/bytes.ts";
import type { Quantisation } from "../capacity.ts";

/** Storage of a vector's numbers in an index. */
export interface NumberFormat {
  /** Name of the format in the engine. */
  readonly type: "FLOAT32" | "FLOAT16" | "INT8";
  /** Encodes a vector for the engine; `step` is the value of one step if it was rounded to steps. */
  write(vector: Float32Array): { readonly bytes: Buffer; readonly step: number };
  read(bytes: Buffer, step: number): Float32Array;
}

/** Returns the format of a quantisation. */
export function formatOf(quantisation: Quantisation): NumberFormat {
  if (quantisation === "f16") return FLOAT16;
  return quantisation === "q8" ? INT8 : FLOAT32;
}

const FLOAT32: NumberFormat = {
  type: "FLOAT32",
  write: (vector) => ({ bytes: toBytes(vector), step: 1 }),
  read: (bytes) => Float32Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4)),
};

const FLOAT16: NumberFormat = {
  type: "FLOAT16",
  write: (vector) => ({ bytes: toBytes(Uint16Array.from(vector, toHalf)), step: 1 }),
  read: (bytes) => Float32Array.from({ length: bytes.length / 2 }, (_, at) => fromHalf(bytes.readUInt16LE(at * 2))),
};

/** Each vector by its own largest number: the cosine does not see the scale. */
const INT8: NumberFormat = {
  type: "INT8",
  write(vector) {
    const step = vector.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) / 127;
    return { bytes: toBytes(Int8Array.from(vector, (value) => Math.round(value / step))), step };
  },
  read: (bytes, step) => Float32Array.from({ length: bytes.length }, (_, at) => bytes.readInt8(at) * step),
};

const view = new DataView(new ArrayBuffer(4));

/** Converts to IEEE 754 half precision, rounded to nearest, ties to even; larger values become the largest half. */
export function toHalf(value: number): number {
  view.setFloat32(0, value);
  const bits = view.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 127 + 15;
  const fraction = bits & 0x7fffff;
  if (exponent >= 31) return sign | 0x7bff;
  if (exponent <= 0) {
    if (exponent < -10) return sign;
    return sign | roundShift(fraction | 0x800000, 14 - exponent);
  }
  const rounded = (exponent << 10) + roundShift(fraction, 13);
  return sign | Math.min(rounded, 0x7bff);
}

/** Converts a half-precision number back. */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function roundShift(value: number, places: number): number {
  const half = 2 ** (places - 1);
  const low = value % (half * 2);
  const high = (value - low) / (half * 2);
  return low > half || (low === half && high % 2 === 1) ? high + 1 : high;
}
