export { cacheMiddleware, type CacheMiddlewareOptions } from "./cache-middleware.ts";
export type { StoredGeneration } from "./generation.ts";
export { toModelMessages, toTurns } from "./messages.ts";
export { memoryTools, type MemoryTools } from "./memory-tools.ts";
