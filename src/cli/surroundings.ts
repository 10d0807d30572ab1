import { resolve } from "node:path";
import type { ServeOptions } from "../gateway/index.ts";

/** What the environment says about where Redis is and where data goes. */
export function readSurroundings(): Omit<ServeOptions, "config" | "say"> {
  const { MARROW_REDIS_URL, MARROW_DATA, MARROW_CACHE, PATH } = process.env;
  return {
    redisUrl: MARROW_REDIS_URL === "" ? undefined : MARROW_REDIS_URL,
    dataDirectory: resolve(MARROW_DATA ?? ".marrow"),
    cacheDirectory: resolve(MARROW_CACHE ?? ".cache"),
    path: PATH ?? "",
  };
}
