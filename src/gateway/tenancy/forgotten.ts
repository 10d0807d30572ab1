import { hash } from "node:crypto";
import { keyTag, type ScopedRedis } from "../../redis/index.ts";

/** Time that a deletion is remembered, in milliseconds: longer than any request lasts. */
const LIFE_MS = 86_400_000;

/** Users of a scope whose data was deleted recently. A request that began before the deletion must not store data for them afterwards. */
export interface Forgotten {
  /** Records the deletion, before anything is deleted. One round trip. */
  note(user: string): Promise<void>;
  /**
   * Returns whether a user was forgotten within the last `agoMs` milliseconds. Send it right after the write in question; a later deletion
   * finds that write. One command.
   */
  isWithin(user: string, agoMs: number): Promise<boolean>;
}

/** Opens the recently forgotten users of a scope. Users are stored as digests, so that no name remains. */
export function createForgotten(redis: ScopedRedis): Forgotten {
  const keyOf = (user: string) => `${keyTag(redis, ["forgotten", hash("sha256", user).slice(0, 32)])}:forgotten`;
  return {
    async note(user) {
      await redis.send(["SET", keyOf(user), "1", "PX", String(LIFE_MS)], { retry: "safe" });
    },
    async isWithin(user, agoMs) {
      const leftMs = Number(await redis.send(["PTTL", keyOf(user)]));
      return leftMs >= 0 && LIFE_MS - leftMs <= agoMs;
    },
  };
}
