import { BESIDE_ANSWER, growthOf, type ChatChunk, type Growth, type StreamPart } from "../models/index.ts";
import type { Told } from "./together.ts";

/** Estimated memory of a piece of text beside its characters, and of an unmerged chunk per byte of its event. */
const PIECE_BYTES = 96;
const CHAR_BYTES = 2;
const KEPT_FACTOR = 3;
/** Characters of one text from which no more is merged into it: V8 copies a text of many pieces in one go where it is first read. */
const MERGED_CHARS_MAX = 65_536;

/**
 * The text that each chunk of a part appends to the answer; `undefined` for a chunk with other content. Computed once for both functions
 * below.
 */
export type Pieces = readonly (Growth | undefined)[];

/** Computes the pieces of chunks. Pure. */
export function piecesOf(chunks: readonly ChatChunk[]): Pieces {
  return chunks.map(growthOf);
}

/**
 * Merges a stream's part into the previous one if both only append text, so that a long answer is a few objects instead of one per token.
 * Returns whether it did. `last` must not be shared.
 */
export function foldTold(last: Told, next: Told, read?: Pieces): boolean {
  if (!("chunks" in last) || !("chunks" in next)) return false;
  const into = last.chunks.at(-1);
  const known = into && growthOf(into);
  const pieces = read ?? piecesOf(next.chunks);
  const field = pieces.find((piece) => piece !== undefined && piece.text !== "")?.field ?? known?.field;
  if (into === undefined || known === undefined || field === undefined) return false;
  if (known.text.length >= MERGED_CHARS_MAX) return false;
  if (known.text !== "" && known.field !== field) return false;
  let more = "";
  for (const [at, piece] of pieces.entries()) {
    if (piece === undefined || (piece.text !== "" && piece.field !== field)) return false;
    if (!isLike(next.chunks[at] as ChatChunk, into)) return false;
    more += piece.text;
  }
  const delta = deltaOf(into) as Record<string, unknown>;
  const before = delta[field];
  delta[field] = typeof before === "string" ? before + more : more;
  return true;
}

/** The same for a part that only appends text, after `last` that ends with the chunk before it. Nothing is parsed. */
export function foldGrowth(last: Told, { field, text }: NonNullable<StreamPart["grows"]>): boolean {
  const into = "chunks" in last ? last.chunks.at(-1) : undefined;
  const delta = into && (deltaOf(into) as Record<string, unknown>);
  const known = delta?.[field];
  if (delta === undefined || typeof known !== "string" || known.length >= MERGED_CHARS_MAX) return false;
  delta[field] = known + text;
  return true;
}

/** Estimates the memory of a part that only appends text, in bytes, an upper bound. Pure. */
export function weightOfGrowth({ text, chunks }: NonNullable<StreamPart["grows"]>): number {
  return chunks * PIECE_BYTES + text.length * CHAR_BYTES;
}

/** Estimates the memory of a recorded part, in bytes, an upper bound. `bytes` is its length, if known. Pure. */
export function weightOf(chunks: readonly ChatChunk[], bytes?: number, pieces: Pieces = piecesOf(chunks)): number {
  let weight = 0;
  for (const piece of pieces) {
    if (piece === undefined) return (bytes ?? JSON.stringify(chunks).length) * KEPT_FACTOR;
    weight += PIECE_BYTES + piece.text.length * CHAR_BYTES;
  }
  return weight;
}

/** Returns true if two chunks have the same fields except for the text. */
function isLike(chunk: ChatChunk, before: ChatChunk): boolean {
  for (const [name, value] of Object.entries(chunk))
    if (!BESIDE_ANSWER.has(name) && value != null && value !== before[name]) return false;
  const role = deltaOf(chunk)["role"];
  return role === undefined || role === null || role === deltaOf(before)["role"];
}

function deltaOf(chunk: ChatChunk): Readonly<Record<string, unknown>> {
  return chunk.choices?.[0]?.delta ?? {};
}
