import { hash } from "node:crypto";
import { checkInteger } from "../internal/check.ts";
import { checkTexts, normalise, toFingerprint, type Embedder } from "./embedder.ts";

/**
 * An embedder for tests that hashes words and letter triples into a vector. Deterministic, without dependencies. Texts are only near if
 * they share words; meaning is not considered.
 */
export function hashEmbedder(options: { readonly dimensions?: number | undefined } = {}): Embedder {
  const dimensions = checkInteger("dimensions", options.dimensions ?? 256, { min: 8, max: 4096 });

  function embedOne(text: string): Float32Array {
    const vector = new Float32Array(dimensions);
    for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
      add(vector, word, 1);
      const padded = `^${word}$`;
      for (let at = 0; at + 3 <= padded.length; at += 1) add(vector, padded.slice(at, at + 3), 0.3);
    }
    return normalise(vector);
  }

  return {
    id: `hash-${dimensions}`,
    dimensions,
    maxTokens: Number.MAX_SAFE_INTEGER,
    fingerprint: toFingerprint({ model: "hash", dimensions }),
    async embed(texts) {
      checkTexts(texts);
      return texts.map(embedOne);
    },
  };
}

function add(vector: Float32Array, feature: string, weight: number): void {
  const bits = Number.parseInt(hash("md5", feature).slice(0, 8), 16);
  const at = (bits >>> 1) % vector.length;
  vector[at] = (vector[at] ?? 0) + ((bits & 1) === 1 ? weight : -weight);
}
