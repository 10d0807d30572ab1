export { cosine, toFingerprint, type EmbedOptions, type Embedder } from "./embedder.ts";
export { hashEmbedder } from "./hash.ts";
export { minilmEmbedder, type MinilmOptions } from "./minilm.ts";
export { openaiEmbedder, type OpenaiEmbedderOptions } from "./openai-compatible.ts";
export { sharedEmbedder, type EmbeddingStore, type SharedEmbedderOptions } from "./shared.ts";
export { staticEmbedder, staticWords, type Word } from "./static.ts";
export { createWordpiece, type Wordpiece } from "./wordpiece.ts";
