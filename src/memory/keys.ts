import { encodeKeyPart, keyTag, type ScopedRedis } from "../redis/index.ts";

/** Keys of one session, all in the slot of its tag `{app:scope:user:session}`. */
export function sessionKeys(
  redis: ScopedRedis,
  name: string,
  user: string,
  id: string,
): { log: string; meta: string; ids: string } {
  const start = `${keyTag(redis, [user, id])}:memory:${encodeKeyPart("name", name)}`;
  return { log: `${start}:log`, meta: `${start}:meta`, ids: `${start}:ids` };
}
