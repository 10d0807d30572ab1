import { MarrowError } from "../errors.ts";
import { encodeKeyPart, keyTag, runScript, type Redis } from "../redis/index.ts";
import type { Principal } from "./api-keys.ts";
import type { GatewayConfig } from "./config.ts";
import { noteUser } from "./scripts.gen.ts";

/** Bounds how many users a key brings, so that limits of users cannot be passed by making users up. */
export interface KeyUsers {
  /** Whether a key spoke for a user lately, as far as this process knows: then nothing is to be asked. */
  knows(principal: Principal, user: string): boolean;
  /**
   * Notes that a key speaks for a user. One round trip. While Redis cannot serve, nothing is refused.
   * @throws MarrowError `rate_limited` when the key brought too many new users
   */
  note(principal: Principal, user: string): Promise<void>;
}

/** How long a user is known whom a key spoke for, in milliseconds. */
const KNOWN_MS = 86_400_000;
/** How long a process goes by what it knows itself; well under {@link KNOWN_MS}, which it prolongs. */
const REMEMBERED_MS = 600_000;
/** Users of a key within {@link KNOWN_MS}: about 10 MB of Redis. */
const USERS_MAX = 100_000;
/** Pairs that a process remembers. */
const PAIRS_MAX = 50_000;
const WAIT_MS = 500;

/** Keeps the users of each key in `{app:scope}:gateway:users-of:<key>`. */
export function createKeyUsers(redis: Redis, { keyUsers }: Pick<GatewayConfig["limits"], "keyUsers">): KeyUsers {
  const remembered = new Map<string, number>();
  const pairOf = ({ scope, id }: Principal, user: string) => JSON.stringify([scope, id, user]);

  return {
    knows(principal, user) {
      if (user === principal.user) return true;
      const atMs = remembered.get(pairOf(principal, user));
      return atMs !== undefined && performance.now() - atMs < REMEMBERED_MS;
    },

    async note(principal, user) {
      const start = `${keyTag({ app: redis.app, scope: principal.scope })}:gateway:users-of:${encodeKeyPart("key", principal.id)}`;
      const values = {
        user,
        known_ms: KNOWN_MS,
        window_ms: keyUsers.windowMs,
        fresh_max: keyUsers.limit,
        users_max: USERS_MAX,
      };
      let waitMs = 0;
      try {
        const keys = { users: start, fresh: `${start}:fresh` };
        waitMs = Number(await runScript(redis, noteUser, keys, values, { timeoutMs: WAIT_MS }));
      } catch {
        // Redis cannot serve just now: the limits themselves follow `onUnavailable`, and nothing is refused here.
        return;
      }
      if (waitMs > 0)
        throw new MarrowError("rate_limited", "this key brought too many new users (key-users)", {
          details: { path: "user", retryAfterMs: waitMs },
        });
      if (remembered.size >= PAIRS_MAX) remembered.clear();
      remembered.set(pairOf(principal, user), performance.now());
    },
  };
}
