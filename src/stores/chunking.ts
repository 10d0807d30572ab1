import { split } from "llm-splitter";
import { MarrowError } from "../errors.ts";
import { checkInteger } from "../internal/check.ts";

/** How a text is cut. */
export interface Chunking {
  /** Tokens of a chunk at most, 100 to 4,096. @default 800 */
  readonly maxTokens: number;
  /** Tokens that a chunk shares with the one before, up to half of `maxTokens`. @default 400, or half of `maxTokens` */
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

/**
 * Cuts a text into chunks, whole paragraphs where they fit. A token is counted as a piece of a word of at most six letters, three
 * digits, or one other character: near to what tokenizers of models make of prose, and the same for every model.
 */
export function cut(text: string, { maxTokens, overlapTokens }: Chunking): string[] {
  const chunks = split(text, {
    chunkSize: maxTokens,
    chunkOverlap: overlapTokens,
    chunkStrategy: "paragraph",
    splitter: (part: string) => part.match(/\p{L}{1,6}|\p{N}{1,3}|[^\s\p{L}\p{N}]/gu) ?? [],
  });
  return chunks.map((chunk) => chunk.text.trim()).filter((chunk) => chunk !== "");
}

/** A file's bytes as text. @throws MarrowError `invalid_input` for what is no text in UTF-8 */
export function toText(bytes: Buffer): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new MarrowError("invalid_input", "the file is no text in UTF-8", { cause });
  }
  if (text.includes("\0")) throw new MarrowError("invalid_input", "the file is no text: it has NUL characters");
  return text;
}
