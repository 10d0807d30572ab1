export { MarrowCache, type MarrowCacheOptions } from "./cache.ts";
export { MarrowEmbeddings } from "./embeddings.ts";
export { MarrowVectorStore, type MarrowVectorStoreConfig } from "./vector-store.ts";
export { MarrowChatHistory } from "./chat-history.ts";
