import { MarrowError } from "../errors.ts";
import { checkInteger } from "../internal/check.ts";

/** Options for cutting a text into chunks. */
export interface Chunking {
  /** Most tokens per chunk, 100 to 4,096. @default 800 */
  readonly maxTokens: number;
  /** Tokens that consecutive chunks share, up to half of `maxTokens`. @default 400, or half of `maxTokens` */
  readonly overlapTokens: number;
}

/** Any part of it. */
export type PartialChunking = { readonly [Name in keyof Chunking]?: Chunking[Name] | undefined };

/** Fills defaults. @throws MarrowError `invalid_input` */
export function resolveChunking({ maxTokens = 800, overlapTokens }: PartialChunking = {}): Chunking {
  checkInteger("max_chunk_size_tokens", maxTokens, { min: 100, max: 4_096 }, "invalid_input");
  const half = Math.floor(maxTokens / 2);
  const overlap = overlapTokens ?? Math.min(400, half);
  checkInteger("chunk_overlap_tokens", overlap, { min: 0, max: half }, "invalid_input");
  return { maxTokens, overlapTokens: overlap };
}

/** Positions of a text's chunks: the UTF-16 offsets of each start and end. */
export type ChunkOffsets = Uint32Array<ArrayBuffer>;

/** Most characters of one chunk, white space inside it included: a search can show them all. */
const CHUNK_CHARS_MAX = 65_536;
const TOKEN = /\p{L}{1,6}|\p{N}{1,3}|[^\s\p{L}\p{N}]/gu;

/**
 * Splits a text into chunks: whole paragraphs if they fit, otherwise as many tokens as fit. Each chunk begins with the last tokens of the
 * previous one. A token is counted as part of a word of at most six letters, three digits, or one other character, which is close to
 * models' tokenizers on prose, and the same for every model. Linear in the text. Stops after `chunksMax + 1` chunks.
 */
export function findChunks(
  text: string,
  { maxTokens, overlapTokens }: Chunking,
  chunksMax: number = Infinity,
): ChunkOffsets {
  const { starts, ends, paragraphs } = findTokens(text);
  const chunks: number[] = [];
  /** The open chunk: tokens from `first` to before `next`. */
  let [first, next, emittedTo] = [0, 0, 0];
  let holdsParagraphEnd = false;
  const emit = (overlap: number) => {
    chunks.push(starts[first] as number, ends[next - 1] as number);
    emittedTo = next;
    first = Math.max(first, next - overlap);
    holdsParagraphEnd = false;
  };
  for (const paragraphEnd of paragraphs) {
    if (chunks.length > chunksMax * 2) break;
    // A paragraph that does not fit any more goes whole into the next chunk.
    if (holdsParagraphEnd && next > first && paragraphEnd - first > maxTokens) emit(overlapTokens);
    while (next < paragraphEnd) {
      if (next > first && (ends[next] as number) - (starts[first] as number) > CHUNK_CHARS_MAX) {
        if (next > emittedTo) emit(0);
        first = next;
      }
      next += 1;
      if (next === paragraphEnd) holdsParagraphEnd = true;
      if (next - first === maxTokens) emit(overlapTokens);
    }
  }
  if (next > emittedTo) emit(0);
  return Uint32Array.from(chunks);
}

/** The tokens of a text, and after which token each of its paragraphs ends. */
function findTokens(text: string) {
  let [starts, ends] = [new Uint32Array(1_024), new Uint32Array(1_024)];
  const paragraphs: number[] = [];
  let count = 0;
  let paragraphBreak = text.indexOf("\n\n");
  for (TOKEN.lastIndex = 0; ;) {
    const match = TOKEN.exec(text);
    if (match === null) break;
    if (paragraphBreak !== -1 && paragraphBreak < match.index) {
      if (count > (paragraphs.at(-1) ?? 0)) paragraphs.push(count);
      paragraphBreak = text.indexOf("\n\n", match.index);
    }
    if (count === starts.length) [starts, ends] = [grown(starts), grown(ends)];
    starts[count] = match.index;
    ends[count] = TOKEN.lastIndex;
    count += 1;
  }
  if (count > (paragraphs.at(-1) ?? 0)) paragraphs.push(count);
  return { starts, ends, paragraphs };
}

function grown(list: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(list.length * 2);
  larger.set(list);
  return larger;
}

/** Returns the chunks found by {@link findChunks}, as texts. */
export function cut(text: string, chunking: Chunking): string[] {
  const offsets = findChunks(text, chunking);
  return Array.from({ length: offsets.length / 2 }, (_, at) => textOf(text, offsets, at));
}

/** Returns the text of one chunk. */
export function textOf(text: string, offsets: ChunkOffsets, at: number): string {
  return text.slice(offsets[at * 2], offsets[at * 2 + 1]);
}

/** Decodes a file's bytes. @throws MarrowError `invalid_input` for bytes that are not UTF-8 text */
export function toText(bytes: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new MarrowError("invalid_input", "the file is not UTF-8 text", { cause });
  }
  if (text.includes("\0")) throw new MarrowError("invalid_input", "the file is not text: it contains NUL characters");
  return text;
}
