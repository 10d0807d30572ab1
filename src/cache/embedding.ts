import { cosine, type Embedder } from "../embedders/index.ts";
import { MarrowError } from "../errors.ts";
import { toBytes } from "../internal/bytes.ts";
import { comparable } from "../internal/comparable.ts";
import type { ScopedRedis } from "../redis/index.ts";
import { gistOf } from "./proof/index.ts";
import { decideEngine, type EngineChoice } from "../vectors/index.ts";
import { toEmbedded, type Fingerprint } from "./question.ts";

/** Embeds questions, if the semantic tier can work. */
export interface Embedding {
  /** True without an embedder: nothing ever works. */
  readonly isOff: boolean;
  /** Returns true if there is an embedder, and the server has the installation's engine. */
  works(): Promise<boolean>;
  /**
   * Returns a question's vector as little-endian float32; concurrent callers share one embedding. `undefined` for a text without any known
   * word, whose zero vector would match everything.
   * @throws MarrowError `embedder_failed`
   */
  vectorOf(question: Fingerprint, signal?: AbortSignal): Promise<Buffer | undefined>;
  /**
   * Returns `undefined` for the error of a server that has lost the engine, as after a failover to one without its module; the exact tier
   * does not need it. Throws any other error.
   */
  unlessLost(this: void, error: unknown): undefined;
  /** Returns the cosine between a question and each text, -1 to 1. One call of the embedder. */
  similarities(question: Fingerprint, texts: readonly string[], signal?: AbortSignal): Promise<readonly number[]>;
}

/** Opens the embedding of a cache's questions on one connection. */
export function createEmbedding(redis: ScopedRedis, embedder: Embedder | undefined, engine: EngineChoice): Embedding {
  let semantic: Promise<boolean> | undefined;
  const vectors = new WeakMap<Fingerprint, Promise<Buffer | undefined>>();

  async function embed(text: string, signal: AbortSignal | undefined): Promise<Buffer | undefined> {
    const [vector] = (await embedder?.embed([text], { signal })) ?? [];
    if (vector === undefined) return undefined;
    let sum = 0;
    for (let i = 0; i < vector.length; i += 1) sum += Math.abs(vector[i] as number);
    if (sum === 0) return undefined;
    if (!Number.isFinite(sum) || vector.length !== embedder?.dimensions) {
      throw new MarrowError(
        "embedder_failed",
        "the embedder returned a vector of the wrong length or with non-finite numbers",
      );
    }
    return toBytes(comparable(vector));
  }

  function vectorOf(question: Fingerprint, signal?: AbortSignal): Promise<Buffer | undefined> {
    let vector = vectors.get(question);
    if (vector === undefined) {
      vector = embed(gistOf(question.question), signal);
      vectors.set(question, vector);
      vector.catch(() => vectors.delete(question));
    }
    return vector;
  }

  return {
    isOff: embedder === undefined,

    works() {
      if (embedder === undefined) return Promise.resolve(false);
      if (engine !== "auto") return Promise.resolve(true);
      if (semantic !== undefined) void decideEngine(redis).catch(() => {});
      return (semantic ??= decideEngine(redis).then(
        () => true,
        (error: unknown) => {
          semantic = undefined;
          // The exact tier needs no engine; the start of the installation reports the error.
          if (MarrowError.is(error, "unsupported")) return false;
          throw error;
        },
      ));
    },

    vectorOf,

    unlessLost(error) {
      // An engine that was named is wanted; the recorded one is whatever the server had.
      if (engine !== "auto" || !MarrowError.is(error, "unsupported")) throw error;
      return undefined;
    },

    async similarities(question, texts, signal) {
      const own = await vectorOf(question, signal);
      if (own === undefined || embedder === undefined) return texts.map(() => 0);
      const asked = new Float32Array(own.buffer.slice(own.byteOffset, own.byteOffset + own.byteLength));
      const questions = texts.map((text) => gistOf(toEmbedded(text)));
      return (await embedder.embed(questions, { signal })).map((other) => cosine(asked, other));
    },
  };
}
