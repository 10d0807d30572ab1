import { StringDecoder } from "node:string_decoder";
import { LongText } from "./long-text.ts";
import { createTimeSlice } from "./time-slice.ts";

/** Bytes of one piece. */
const PIECE_BYTES = 32_768;
/** Duration of one slice, in milliseconds. */
const TURN_MS = 3;

/** Decodes long UTF-8 into pieces, in slices of the event loop. Bytes that are no UTF-8 become replacement characters, as ever. */
export async function decodeInTurns(bytes: Buffer): Promise<LongText> {
  const slice = createTimeSlice(TURN_MS);
  const decoder = new StringDecoder("utf8");
  const pieces: string[] = [];
  for (let from = 0; from < bytes.length; from += PIECE_BYTES) {
    pieces.push(decoder.write(bytes.subarray(from, from + PIECE_BYTES)));
    const rest = slice();
    if (rest !== undefined) await rest;
  }
  return new LongText([...pieces, decoder.end()]);
}
