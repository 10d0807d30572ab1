export { cacheMiddleware, type CacheMiddlewareOptions } from "./cache-middleware.ts";
export type { StoredGeneration } from "./generation.ts";
export { toModelMessages, toTurns } from "./messages.ts";
