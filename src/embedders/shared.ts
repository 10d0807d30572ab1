import { MarrowError } from "../errors.ts";
import type { Embedder } from "./embedder.ts";

/** Storage of vectors that processes share; `cache/` has one on Redis. If it fails, vectors are computed. */
export interface EmbeddingStore {
  /** Returns the vectors of texts under one fingerprint, `undefined` for missing ones. */
  get(fingerprint: string, texts: readonly string[]): Promise<(Float32Array | undefined)[]>;
  set(fingerprint: string, entries: readonly { readonly text: string; readonly vector: Float32Array }[]): Promise<void>;
}

/** Options of {@link sharedEmbedder}. */
export interface SharedEmbedderOptions {
  /** Storage of vectors that processes share. @default none: only concurrent calls are shared */
  readonly store?: EmbeddingStore | undefined;
  /** Called if the store fails; the vector is then computed. */
  readonly onStoreError?: ((error: unknown) => void) | undefined;
}

/**
 * Wraps an expensive embedder to avoid repeated work. Calls of one tick become one batch, concurrent calls for the same text are shared,
 * and vectors are read from and written to a store.
 *
 * A caller's `signal` ends only its own wait, because others may wait for the same text.
 */
export function sharedEmbedder(embedder: Embedder, options: SharedEmbedderOptions = {}): Embedder {
  const inFlight = new Map<string, Promise<Float32Array>>();
  let batch: Map<string, PromiseWithResolvers<Float32Array>> | undefined;

  function join(text: string): Promise<Float32Array> {
    const running = inFlight.get(text);
    if (running !== undefined) return running;
    if (batch === undefined) {
      batch = new Map();
      queueMicrotask(() => void flush());
    }
    const made = Promise.withResolvers<Float32Array>();
    batch.set(text, made);
    inFlight.set(text, made.promise);
    return made.promise;
  }

  async function flush(): Promise<void> {
    const current = batch ?? new Map<string, PromiseWithResolvers<Float32Array>>();
    batch = undefined;
    const texts = [...current.keys()];
    try {
      const vectors = await load(texts);
      texts.forEach((text, at) => current.get(text)?.resolve(vectors[at] as Float32Array));
    } catch (error) {
      for (const made of current.values()) made.reject(error);
    } finally {
      for (const text of texts) inFlight.delete(text);
    }
  }

  async function load(texts: readonly string[]): Promise<readonly Float32Array[]> {
    const { store, onStoreError = () => {} } = options;
    const found: (Float32Array | undefined)[] =
      (await store?.get(embedder.fingerprint, texts).catch(onStoreError)) ?? texts.map(() => undefined);
    const missing = texts.filter((_, at) => found[at] === undefined);
    if (missing.length === 0) return found as Float32Array[];
    const made = await embedder.embed(missing);
    const entries = missing.map((text, at) => ({ text, vector: made[at] as Float32Array }));
    store?.set(embedder.fingerprint, entries).catch(onStoreError);
    const byText = new Map(entries.map(({ text, vector }) => [text, vector]));
    return texts.map((text, at) => found[at] ?? (byText.get(text) as Float32Array));
  }

  return {
    ...embedder,
    async embed(texts, { signal } = {}) {
      const vectors = Promise.all(texts.map(join));
      if (signal === undefined) return vectors;
      return Promise.race([vectors, rejection(signal)]);
    },
  };
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(new MarrowError("aborted", "embedding was aborted", { cause: signal.reason }));
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
