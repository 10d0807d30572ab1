import { readFileSync } from "node:fs";
import { endianness } from "node:os";

let hashes: Uint32Array | undefined;

/**
 * Whether a word stands in a dictionary of English, rare ones and common names included. A wrong "yes" happens for one word in about
 * 50,000, and only keeps a misspelling from being mended. The file (330 kB) is read at the first call.
 */
export function isKnownWord(word: string): boolean {
  const known = (hashes ??= readHashes());
  const wanted = hashOfWord(word);
  let [low, high] = [0, known.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((known[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return known[low] === wanted;
}

/** FNV-1a of 32 bits over the UTF-16 units of a word. */
export function hashOfWord(word: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < word.length; at += 1) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** The file as it lies: sorted numbers of 32 bits, the lowest byte first. */
function readHashes(): Uint32Array {
  const file = readFileSync(new URL("../../../assets/known-words.bin", import.meta.url));
  const own = Buffer.from(new ArrayBuffer(file.length));
  file.copy(own);
  if (endianness() === "BE") own.swap32();
  return new Uint32Array(own.buffer);
}
