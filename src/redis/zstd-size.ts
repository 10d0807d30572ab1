const MAGIC = 0xfd2fb528;
const HEAD_BYTES = 5;
/** Bytes of a dictionary's id and of a size, by the bits that tell them. A single segment always has a size. */
const [DICTIONARY_BYTES, SIZE_BYTES] = [
  [0, 1, 2, 4],
  [0, 2, 4, 8],
] as const;

/**
 * Returns how many bytes a zstd frame has once it is decompressed, as its header says; `undefined` if it does not, or is no frame.
 * @source https://www.rfc-editor.org/rfc/rfc8878 section 3.1.1.1
 */
export function unpackedBytesOf(frame: Buffer): number | undefined {
  if (frame.length < HEAD_BYTES || frame.readUInt32LE(0) !== MAGIC) return undefined;
  const descriptor = frame.readUInt8(HEAD_BYTES - 1);
  const isSingle = (descriptor & 32) !== 0;
  const bytes = SIZE_BYTES[(descriptor >>> 6) as 0 | 1 | 2 | 3] || (isSingle ? 1 : 0);
  const at = HEAD_BYTES + (isSingle ? 0 : 1) + DICTIONARY_BYTES[(descriptor & 3) as 0 | 1 | 2 | 3];
  if (bytes === 0 || frame.length < at + bytes) return undefined;
  if (bytes === 8) return Number(frame.readBigUInt64LE(at));
  return frame.readUIntLE(at, bytes) + (bytes === 2 ? 256 : 0);
}
