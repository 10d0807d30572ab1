import { MarrowError } from "../errors.ts";
import type { Embedder } from "./embedder.ts";

/** Where vectors are remembered between processes; `cache/` has one on Redis. A failing store is passed over. */
export interface EmbeddingStore {
  /** Vectors of the texts under one fingerprint, `undefined` where none is kept. */
  get(fingerprint: string, texts: readonly string[]): Promise<(Float32Array | undefined)[]>;
  set(fingerprint: string, entries: readonly { readonly text: string; readonly vector: Float32Array }[]): Promise<void>;
}

/** Options of {@link sharedEmbedder}. */
export interface SharedEmbedderOptions {
  /** Remembers vectors between processes. Absent: only work in flight is shared. */
  readonly store?: EmbeddingStore | undefined;
  /** Hears of a store that failed; the vector is then made anew. */
  readonly onStoreError?: ((error: unknown) => void) | undefined;
}

/**
 * Wraps a dear embedder so that work is done once: calls of one tick become one batch, a text that is being embedded is
 * not embedded again beside it, and vectors are looked up in and written to a store.
 *
 * One caller's `signal` ends its own wait only: others may wait for the same text.
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
