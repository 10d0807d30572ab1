import { BESIDE_ANSWER, growthOf, type ChatChunk, type Growth, type StreamPart } from "../models/index.ts";
import type { Told } from "./together.ts";

/** What a piece of text takes in memory beside its characters, and what a chunk takes that is kept as it came, for each byte of its event. */
const PIECE_BYTES = 96;
const CHAR_BYTES = 2;
const KEPT_FACTOR = 3;

/** The text by which each chunk of a part lets one answer grow; `undefined` for a chunk that says anything else. Read once, it serves both below. */
export type Pieces = readonly (Growth | undefined)[];

/** Reads them. Pure. */
export function piecesOf(chunks: readonly ChatChunk[]): Pieces {
  return chunks.map(growthOf);
}

/**
 * Puts what a stream tells into what it told last, where both are pieces of one text: a long answer is then a few objects instead of one for
 * each token. Answers whether it did. `last` must belong to the caller alone.
 */
export function foldTold(last: Told, next: Told, read?: Pieces): boolean {
  if (!("chunks" in last) || !("chunks" in next)) return false;
  const into = last.chunks.at(-1);
  const known = into && growthOf(into);
  const pieces = read ?? piecesOf(next.chunks);
  const field = pieces.find((piece) => piece !== undefined && piece.text !== "")?.field ?? known?.field;
  if (into === undefined || known === undefined || field === undefined) return false;
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

/**
 * The same for a part that only grows, where `last` is, or holds, the chunk before it: nothing is read.
 */
export function foldGrowth(last: Told, { field, text }: NonNullable<StreamPart["grows"]>): boolean {
  const into = "chunks" in last ? last.chunks.at(-1) : undefined;
  const delta = into && (deltaOf(into) as Record<string, unknown>);
  if (delta === undefined || typeof delta[field] !== "string") return false;
  delta[field] += text;
  return true;
}

/** The memory that a part that only grows takes, in bytes, at most about. Pure. */
export function weightOfGrowth({ text, chunks }: NonNullable<StreamPart["grows"]>): number {
  return chunks * PIECE_BYTES + text.length * CHAR_BYTES;
}

/** The memory that a part of a stream takes while it is recorded, in bytes, at most about. `bytes`: its length, where that is known. Pure. */
export function weightOf(chunks: readonly ChatChunk[], bytes?: number, pieces: Pieces = piecesOf(chunks)): number {
  let weight = 0;
  for (const piece of pieces) {
    if (piece === undefined) return (bytes ?? JSON.stringify(chunks).length) * KEPT_FACTOR;
    weight += PIECE_BYTES + piece.text.length * CHAR_BYTES;
  }
  return weight;
}

/** Whether a chunk has no other fields than one before it, beside its text. */
function isLike(chunk: ChatChunk, before: ChatChunk): boolean {
  for (const [name, value] of Object.entries(chunk))
    if (!BESIDE_ANSWER.has(name) && value != null && value !== before[name]) return false;
  const role = deltaOf(chunk)["role"];
  return role === undefined || role === null || role === deltaOf(before)["role"];
}

function deltaOf(chunk: ChatChunk): Readonly<Record<string, unknown>> {
  return chunk.choices?.[0]?.delta ?? {};
}
