import { createEmbeddingStore } from "../../cache/index.ts";
import {
  minilmEmbedder,
  openaiEmbedder,
  sharedEmbedder,
  staticEmbedder,
  type Embedder,
} from "../../embedders/index.ts";
import type { Redis } from "../../redis/index.ts";
import type { EmbedderConfig } from "../config/config.ts";

/**
 * Makes the configured embedder. Expensive ones share work: texts of one moment are batched, and vectors are cached in Redis, in a scope
 * without API keys. The cache contains hashes of texts, never the texts.
 */
export function createEmbedder(config: EmbedderConfig, redis: Redis, onStoreError: (error: unknown) => void): Embedder {
  if (config.kind === "static") return staticEmbedder();
  const { kind: _, ...options } = config;
  const embedder = "directory" in options ? minilmEmbedder(options) : openaiEmbedder(options);
  const store = createEmbeddingStore(redis.scope("marrow embeddings"), { name: "gateway" });
  return sharedEmbedder(embedder, { store, onStoreError });
}
