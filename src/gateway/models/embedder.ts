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
 * The embedder that the configuration names. Dear ones share their work: texts of one moment make one batch, and vectors are
 * remembered in Redis, in a scope that no tenant has a key for. The store holds hashes of texts, never the texts.
 */
export function createEmbedder(config: EmbedderConfig, redis: Redis, onStoreError: (error: unknown) => void): Embedder {
  if (config.kind === "static") return staticEmbedder();
  const { kind: _, ...options } = config;
  const embedder = "directory" in options ? minilmEmbedder(options) : openaiEmbedder(options);
  const store = createEmbeddingStore(redis.scope("marrow embeddings"), { name: "gateway" });
  return sharedEmbedder(embedder, { store, onStoreError });
}
