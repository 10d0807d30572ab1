import { hash } from "node:crypto";
import { keyTag, type ScopedRedis } from "../../redis/index.ts";

/** How long a forgetting is remembered, in milliseconds: longer than any request is answered. */
const LIFE_MS = 86_400_000;

/** Which users of a scope were forgotten lately: what is kept for them at the end of a request may have been asked for before. */
export interface Forgotten {
  /** Notes it, before anything is taken away. One round trip. */
  note(user: string): Promise<void>;
  /**
   * Whether a user was forgotten within the last `agoMs` milliseconds. Sent right behind what it asks about: who is forgotten after that is
   * found by the forgetting. One command.
   */
  isWithin(user: string, agoMs: number): Promise<boolean>;
}

/** Opens those of one scope. A user is a digest here, for no name may stay of who was forgotten. */
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
