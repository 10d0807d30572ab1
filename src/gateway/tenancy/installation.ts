import { encodeKeyPart, mayEvictAnything, readServerFacts, type Redis } from "../../redis/index.ts";

/** Returns the key that marks an installation with API keys. It has no TTL, and is rewritten while keys are used. */
export function installedKey({ app }: Pick<Redis, "app">): string {
  return `{${encodeKeyPart("app", app)}}:gateway:installed`;
}

/**
 * Returns true if this Redis may have evicted API keys. If the policy evicts keys without a TTL (`allkeys-*`), a missing mark proves
 * nothing, so only an empty database counts as new. If the policy is unknown, the mark decides. At most two round trips.
 */
export async function mayHaveLostKeys(redis: Redis): Promise<boolean> {
  if (mayEvictAnything(await readServerFacts(redis)) !== true) return false;
  return Number(await redis.send(["DBSIZE"])) > 0;
}
