/**
 * Decodes a vector from a vector set's raw form (VEMB … RAW): kind, bytes, length before normalisation, and for 8 bits the value of 127.
 */
export function fromStoredVector([kind, bytes, length, range]: readonly Buffer[], dimensions: number): Float32Array {
  const scale = Number(String(length));
  const stored = bytes as Buffer;
  switch (String(kind)) {
    case "int8": {
      const step = (Number(String(range)) / 127) * scale;
      return Float32Array.from({ length: dimensions }, (_, at) => stored.readInt8(at) * step);
    }
    case "bin": {
      // Only the signs are left: a vector of equal parts in their direction.
      const part = scale / Math.sqrt(dimensions);
      return Float32Array.from({ length: dimensions }, (_, at) =>
        ((stored[at >> 3] as number) >> (at & 7)) & 1 ? part : -part,
      );
    }
    default:
      return Float32Array.from({ length: dimensions }, (_, at) => stored.readFloatLE(at * 4) * scale);
  }
}
