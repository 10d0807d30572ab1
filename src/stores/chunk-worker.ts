import { MarrowError } from "../errors.ts";
import { findChunks, toText, type Chunking, type ChunkOffsets } from "./chunking.ts";

/** One file to be cut. */
export interface ChunkTask {
  readonly bytes: Uint8Array;
  readonly chunking: Chunking;
  /** The search ends once there are more chunks than this. */
  readonly chunksMax: number;
}

/** The chunks of a file, or why it is no text. An error's class would not survive the way between threads. */
export type ChunkResult = { readonly offsets: ChunkOffsets } | { readonly refused: string };

/** Finds the chunks of a file's bytes. Runs in the pool's worker threads, and directly for small files. */
export function cutBytes({ bytes, chunking, chunksMax }: ChunkTask): ChunkResult {
  try {
    return { offsets: findChunks(toText(bytes), chunking, chunksMax) };
  } catch (error) {
    if (MarrowError.is(error, "invalid_input")) return { refused: error.message };
    throw error;
  }
}
