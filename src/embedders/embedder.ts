import { hash } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { describe } from "../internal/describe.ts";

/** Options of one embedder call. */
export interface EmbedOptions {
  /** Ends the wait; the call rejects with `aborted`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * No request waits for these vectors: an embedder that computes on the event loop leaves most of it to other work. @default false
   */
  readonly background?: boolean | undefined;
}

/**
 * Converts texts to vectors of one length. Their cosine measures similarity of meaning.
 *
 * Vectors of two embedders never mix: every index and stored vector carries {@link Embedder.fingerprint}.
 */
export interface Embedder {
  /** Name of the model, such as `static-256` or `text-embedding-3-small`. */
  readonly id: string;
  /** Length of every vector. */
  readonly dimensions: number;
  /** Tokens of a text that are embedded; the rest is ignored. */
  readonly maxTokens: number;
  /**
   * Supported languages as ISO 639 codes. The cache matches questions in other languages only exactly, because texts of unknown words have
   * the same vector. @default ["en"]
   */
  readonly languages?: readonly string[] | undefined;
  /** 16 hexadecimal digits. They differ between embedders whose vectors must not mix. */
  readonly fingerprint: string;
  /**
   * Embeds texts in order. Each vector has unit length; a text without any known token has the zero vector. The vectors belong to the caller: an
   * embedder does not write to them again.
   * @throws MarrowError `embedder_failed` with the cause, `aborted` by the signal
   */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>;
}

/** Computes a fingerprint from everything that affects the vectors: model, dimensions, normalisation, version of weights. */
export function toFingerprint(parts: Readonly<Record<string, string | number>>): string {
  return hash("sha256", JSON.stringify(Object.entries(parts).toSorted(([a], [b]) => (a < b ? -1 : 1)))).slice(0, 16);
}

/** Scales a vector to unit length in place; a zero vector stays zero. */
export function normalise(vector: Float32Array): Float32Array {
  let square = 0;
  for (let i = 0; i < vector.length; i += 1) square += (vector[i] as number) ** 2;
  if (square === 0) return vector;
  const scale = 1 / Math.sqrt(square);
  for (let i = 0; i < vector.length; i += 1) vector[i] = (vector[i] as number) * scale;
  return vector;
}

/**
 * Cosine similarity, -1 to 1; 0 if either vector is zero.
 * @throws MarrowError `invalid_input` if the lengths differ
 */
export function cosine(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) {
    throw new MarrowError("invalid_input", `vectors must have one length, got ${a.length} and ${b.length}`);
  }
  let [dot, left, right] = [0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    const [x, y] = [a[i] ?? 0, b[i] ?? 0];
    dot += x * y;
    left += x * x;
    right += y * y;
  }
  return left === 0 || right === 0 ? 0 : dot / Math.sqrt(left * right);
}

/** Checks that texts are a list of well-formed strings, before any model gets them. */
export function checkTexts(texts: readonly string[]): void {
  texts.forEach((text, at) => {
    if (typeof text === "string") return;
    throw new MarrowError("invalid_input", `texts[${at}] must be a string, got ${describe(text)}`, {
      details: { path: `texts[${at}]` },
    });
  });
}
