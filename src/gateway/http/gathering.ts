/** Pieces shorter than this are copied together. */
const SHORT_BYTES = 4_096;
/** Short pieces that are copied together at once, and their bytes. */
const [SHORT_PIECES, JOINED_BYTES] = [256, 65_536];

/** The pieces of a body that is read. */
export interface Gathering {
  /** Adds a piece; in time linear in its length. */
  add(piece: Buffer): void;
  /** The pieces so far, in order. */
  pieces(): readonly Buffer[];
}

/**
 * Gathers the pieces of a body. Many short ones are copied together, because each takes some hundred bytes of memory besides its own: a body
 * may come in chunks of one byte.
 */
export function createGathering(): Gathering {
  const pieces: Buffer[] = [];
  let short: Buffer[] = [];
  let shortBytes = 0;

  function join(): void {
    if (short.length > 0) pieces.push(short.length === 1 ? (short[0] as Buffer) : Buffer.concat(short, shortBytes));
    short = [];
    shortBytes = 0;
  }

  return {
    add(piece) {
      if (piece.length >= SHORT_BYTES) {
        join();
        pieces.push(piece);
        return;
      }
      short.push(piece);
      shortBytes += piece.length;
      if (short.length >= SHORT_PIECES || shortBytes >= JOINED_BYTES) join();
    },
    pieces() {
      join();
      return pieces;
    },
  };
}
