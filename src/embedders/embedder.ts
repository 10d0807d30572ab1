import { hash } from "node:crypto";
import { MarrowError } from "../errors.ts";
import { describe } from "../internal/describe.ts";

/** How one call of an embedder may be bounded. */
export interface EmbedOptions {
  /** Ends the wait; the call rejects with `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Turns texts into vectors of one length whose cosine says how near two meanings are.
 *
 * Vectors of two embedders never mix: every index and stored vector carries {@link Embedder.fingerprint}.
 */
export interface Embedder {
  /** Name of the model, such as `static-256` or `text-embedding-3-small`. */
  readonly id: string;
  /** Length of every vector. */
  readonly dimensions: number;
  /** Tokens of a text that count; what follows is ignored. */
  readonly maxTokens: number;
  /**
   * Languages whose texts it tells apart, as ISO 639 codes. The cache compares questions in other languages exactly only: to an
   * embedder that does not know their words they are all alike. @default ["en"]
   */
  readonly languages?: readonly string[] | undefined;
  /** 16 hexadecimal digits that differ whenever two embedders' vectors must not mix. */
  readonly fingerprint: string;
  /**
   * Embeds texts in order; each vector has unit length, except that of a text without any known token, which is zero.
   * @throws MarrowError `embedder_failed` with the cause, `aborted` by the signal
   */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>;
}

/** Makes a fingerprint from all that changes what the vectors mean: model, dimensions, normalisation, version of weights. */
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
 * Cosine similarity, -1 to 1; 0 when either vector is zero.
 * @throws MarrowError `invalid_input` when the lengths differ
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

/** Refuses what is no list of well-formed strings, before any model sees it. */
export function checkTexts(texts: readonly string[]): void {
  texts.forEach((text, at) => {
    if (typeof text === "string") return;
    throw new MarrowError("invalid_input", `texts[${at}] must be a string, got ${describe(text)}`, {
      details: { path: `texts[${at}]` },
    });
  });
}
