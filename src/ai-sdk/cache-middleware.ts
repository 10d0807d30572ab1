import type { LanguageModelMiddleware } from "ai";
import { unlessAway, type Cache, type Lookup } from "../cache/index.ts";
import {
  createCollector,
  toGeneration,
  toParts,
  toQuestion,
  toStored,
  type Part,
  type StoredGeneration,
} from "./generation.ts";

/** Options of `cacheMiddleware`. */
export interface CacheMiddlewareOptions {
  /** Pause between the pieces of a streamed stored answer, in milliseconds. @default 0, all at once */
  readonly pieceDelayMs?: number | undefined;
  /** Called if the cache is unavailable; the model is called instead. */
  readonly onUnavailable?: ((error: unknown) => void) | undefined;
}

/**
 * Makes a language model middleware of the AI SDK that answers from a Marrow cache: `wrapLanguageModel({ model, middleware })`. Whole and
 * streamed answers serve each other. Never stored: tool calls, files, errors, and truncated, refused, empty or aborted answers. A hit is
 * marked in `providerMetadata.marrow`, and its usage counts the whole prompt as cached.
 */
export function cacheMiddleware(
  cache: Cache<StoredGeneration>,
  { pieceDelayMs = 0, onUnavailable }: CacheMiddlewareOptions = {},
): LanguageModelMiddleware {
  return {
    specificationVersion: "v4",

    async wrapGenerate({ doGenerate, params, model }) {
      const question = toQuestion(params, model);
      if (question === undefined) return doGenerate();
      const found = await unlessAway(cache.lookup(question), onUnavailable);
      if (found?.hit === true) return toGeneration(found.value, metadataOf(found));
      const generation = await doGenerate();
      const stored = found === undefined ? undefined : toStored(generation);
      if (stored !== undefined) await unlessAway(cache.store(question, stored), onUnavailable);
      return generation;
    },

    async wrapStream({ doStream, params, model }) {
      const question = toQuestion(params, model);
      if (question === undefined) return doStream();
      const found = await unlessAway(cache.lookup(question), onUnavailable);
      if (found?.hit === true) return { stream: replay(toParts(found.value, metadataOf(found)), pieceDelayMs) };
      const { stream, ...rest } = await doStream();
      const collector = createCollector();
      const watched = stream.pipeThrough(
        new TransformStream<Part, Part>({
          transform(part, controller) {
            collector.add(part);
            controller.enqueue(part);
          },
          // Only reached if the stream ended normally: aborted or broken answers are not stored.
          async flush() {
            const stored = found === undefined ? undefined : collector.stored();
            if (stored !== undefined) await unlessAway(cache.store(question, stored), onUnavailable);
          },
        }),
      );
      return { stream: watched, ...rest };
    },
  };
}

function metadataOf({ match, similarity, ageMs }: Extract<Lookup<StoredGeneration>, { hit: true }>) {
  return { marrow: { cache: match, similarity, ageMs } };
}

function replay(parts: readonly Part[], delayMs: number): ReadableStream<Part> {
  let at = 0;
  return new ReadableStream<Part>({
    async pull(controller) {
      const part = parts[at];
      at += 1;
      if (part === undefined) return controller.close();
      if (delayMs > 0 && part.type.endsWith("-delta")) await new Promise((resolve) => setTimeout(resolve, delayMs));
      controller.enqueue(part);
    },
  });
}
