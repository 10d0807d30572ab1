import { MarrowError } from "../../errors.ts";

/** The next element to read of a zstd stream. */
type Phase = "magic" | "skippable" | "descriptor" | "block" | "end" | "unknown";

const SKIPPABLE = 0x184d2a5;
const MAGIC = 0xfd2fb528;
const BYTES: Readonly<Record<Phase, number>> = { magic: 4, skippable: 4, descriptor: 1, block: 3, end: 0, unknown: 0 };
const RLE = 1;
/** Frames that a stream may have: each costs a call of the decoder, however small it is. */
const FRAMES_MAX = 1_024;

/**
 * Cuts a zstd stream at the ends of its frames, so that no piece extends beyond one. Invalid data passes unchanged, for the decoder to
 * refuse. Each byte is passed once and nothing is buffered. Throws `too_large` for a frame beyond the 1,024th.
 * @source https://www.rfc-editor.org/rfc/rfc8878 section 3.1
 */
export function createFrameCutter(): (piece: Buffer) => readonly Buffer[] {
  let phase: Phase = "magic";
  /** The part of the current header read so far, a little-endian number, and its bytes. */
  let [value, read] = [0, 0];
  /** Bytes that say nothing of the frame's end. */
  let skip = 0;
  let checksumBytes = 0;
  let frames = 0;

  /** Goes on after a whole header. */
  function advance(): void {
    switch (phase) {
      case "magic":
        phase = value >>> 4 === SKIPPABLE ? "skippable" : value >>> 0 === MAGIC ? "descriptor" : "unknown";
        break;
      case "skippable":
        skip = value >>> 0;
        phase = "end";
        break;
      case "descriptor": {
        const [size, isSingle, dictionary] = [value >>> 6, (value >>> 5) & 1, value & 3];
        checksumBytes = ((value >>> 2) & 1) * 4;
        skip = 1 - isSingle + ([0, 1, 2, 4][dictionary] ?? 0) + ([isSingle, 2, 4, 8][size] ?? 0);
        phase = "block";
        break;
      }
      default: {
        const isLast = (value & 1) === 1;
        skip = (((value >>> 1) & 3) === RLE ? 1 : value >>> 3) + (isLast ? checksumBytes : 0);
        if (isLast) phase = "end";
      }
    }
    [value, read] = [0, 0];
  }

  return (piece) => {
    const pieces: Buffer[] = [];
    let [start, at] = [0, 0];
    while (at < piece.length && phase !== "unknown") {
      if (frames === FRAMES_MAX) throw tooManyFrames();
      const passed = Math.min(skip, piece.length - at);
      at += passed;
      skip -= passed;
      if (skip > 0) break;
      if (phase === "end") {
        frames += 1;
        pieces.push(piece.subarray(start, at));
        start = at;
        phase = "magic";
        continue;
      }
      if (at === piece.length) break;
      value |= (piece[at] ?? 0) << (8 * read);
      read += 1;
      at += 1;
      if (read === BYTES[phase]) advance();
    }
    if (start < piece.length) pieces.push(piece.subarray(start));
    return pieces;
  };
}

function tooManyFrames(): MarrowError {
  return new MarrowError("too_large", `the body has more than ${FRAMES_MAX} zstd frames`, {
    details: { framesMax: FRAMES_MAX },
  });
}
