import { encodeKeyPart, mayEvictAnything, readServerFacts, type Redis } from "../../redis/index.ts";

/** The key that says that API keys were made here; it has no life of its own, and is written again while keys are used. */
export function installedKey({ app }: Pick<Redis, "app">): string {
  return `{${encodeKeyPart("app", app)}}:gateway:installed`;
}

/**
 * Whether this Redis may have held API keys that it took away. Where the policy evicts keys without a life (`allkeys-*`) a missing mark proves
 * nothing, so only an empty database counts as a new one there. Where the policy is not known, the mark has to do. At most two round trips.
 */
export async function mayHaveLostKeys(redis: Redis): Promise<boolean> {
  if (mayEvictAnything(await readServerFacts(redis)) !== true) return false;
  return Number(await redis.send(["DBSIZE"])) > 0;
}
