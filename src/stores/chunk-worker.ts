import { MarrowError } from "../errors.ts";
import { findChunks, toText, type Chunking, type ChunkOffsets } from "./chunking.ts";

/** A file to split. */
export interface ChunkTask {
  readonly bytes: Uint8Array;
  readonly chunking: Chunking;
  /** Splitting stops beyond this many chunks. */
  readonly chunksMax: number;
}

/** The chunks of a file, or the reason why it is not text. The class of an error would be lost between threads. */
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
