export {
  createCache,
  isAway,
  type Cache,
  type Lookup,
  type LookupOptions,
  type StoreOptions,
  type Through,
  type ThroughOptions,
} from "./cache.ts";
export { createEmbeddingStore, type EmbeddingStoreOptions } from "./embedding-store.ts";
export { findVeto, type Veto } from "./guard.ts";
export { TTL_MS_DEFAULT, TTL_MS_MAX, type CacheOptions, type Preset } from "./options.ts";
export { PROMPT_CHARS_MAX, toFingerprint, type Fingerprint, type Question } from "./question.ts";
