/** Bytes of a sign code. */
export const CODE_BYTES = 32;
const BITS = CODE_BYTES * 8;
/** Bits in which two codes may differ: of vectors with a cosine of .65, one in a thousand differs in more. */
const BITS_APART_MAX = 96;

/**
 * Returns the signs of a vector's first 256 numbers, one bit each: enough to exclude distant vectors at a thirtieth of the size.
 * @source Charikar, "Similarity estimation techniques from rounding algorithms", 2002
 */
export function toCode(vector: Buffer): Buffer {
  const code = Buffer.alloc(CODE_BYTES);
  for (let bit = 0; bit < Math.min(BITS, vector.length / 4); bit += 1) {
    // The sign of a little-endian float32 is the highest bit of its last byte.
    if ((vector[bit * 4 + 3] as number) >= 0x80) code[bit >> 3] = (code[bit >> 3] as number) | (1 << (bit & 7));
  }
  return code;
}

/** Selects the few buffers whose code is nearest, nearest first, without those that cannot be near. */
export function nearestCodes<T extends { readonly words: Buffer }>(
  own: Buffer,
  others: readonly T[],
  count: number,
): T[] {
  return others
    .map((other) => ({ other, apart: bitsApart(own, other.words) }))
    .filter(({ apart }) => apart <= BITS_APART_MAX)
    .toSorted((a, b) => a.apart - b.apart)
    .slice(0, count)
    .map(({ other }) => other);
}

function bitsApart(a: Buffer, b: Buffer): number {
  let apart = 0;
  for (let at = 0; at < CODE_BYTES; at += 1) {
    let differs = (a[at] as number) ^ (b[at] as number);
    while (differs !== 0) {
      apart += 1;
      differs &= differs - 1;
    }
  }
  return apart;
}
