import { MarrowError } from "../../errors.ts";
import { encodeKeyPart, keyTag, runScript, type Redis, type Reply } from "../../redis/index.ts";
import type { Principal } from "./api-keys.ts";
import type { GatewayConfig } from "../config/config.ts";
import { noteUser } from "../scripts.gen.ts";

/** Bounds the number of users per key, so that nobody evades limits by inventing users. */
export interface KeyUsers {
  /**
   * Records that a key acts for a user. Returns `undefined` if this process did so recently; otherwise one round trip. While Redis is
   * unavailable, nothing is refused.
   * @throws MarrowError `rate_limited` if the key named too many new users
   */
  admit(principal: Principal, user: string): Promise<void> | undefined;
}

/** Time that a key's user counts as known, in milliseconds. */
const KNOWN_MS = 86_400_000;
/** TTL of the local cache; well below {@link KNOWN_MS}, which each use extends. */
const REMEMBERED_MS = 600_000;
/** Users of a key within {@link KNOWN_MS}: about 10 MB of Redis. */
const USERS_MAX = 100_000;
/** Pairs that a process remembers. */
const PAIRS_MAX = 50_000;
const WAIT_MS = 500;

/** Makes the users of keys, stored in `{app:scope}:gateway:users-of:<key>`. */
export function createKeyUsers(
  redis: Redis,
  { enabled, keyUsers }: Pick<GatewayConfig["limits"], "enabled" | "keyUsers">,
): KeyUsers {
  const remembered = new Map<string, number>();
  const pairOf = ({ scope, id }: Principal, user: string) => JSON.stringify([scope, id, user]);

  async function note(principal: Principal, user: string): Promise<void> {
    const tag = keyTag({ app: redis.app, scope: principal.scope });
    const users = `${tag}:gateway:users-of:${encodeKeyPart("key", principal.id)}`;
    const values = {
      user,
      known_ms: KNOWN_MS,
      window_ms: keyUsers.windowMs,
      fresh_max: keyUsers.limit,
      users_max: USERS_MAX,
    };
    let reply: Reply;
    try {
      const keys = { users, fresh: `${users}:fresh` };
      reply = await runScript(redis, noteUser, keys, values, { timeoutMs: WAIT_MS });
    } catch {
      // Redis cannot serve just now: the limits themselves follow `onUnavailable`, and nothing is refused here.
      return;
    }
    const [outcome, waitMs] = reply as readonly [string, number];
    if (outcome === "refused")
      throw new MarrowError("rate_limited", "this key introduced too many new users (limit key-users)", {
        details: { path: "user", retryAfterMs: waitMs },
      });
    if (remembered.size >= PAIRS_MAX) remembered.clear();
    remembered.set(pairOf(principal, user), performance.now());
  }

  return {
    admit(principal, user) {
      if (!enabled || user === principal.user) return undefined;
      const atMs = remembered.get(pairOf(principal, user));
      const known = atMs !== undefined && performance.now() - atMs < REMEMBERED_MS;
      return known ? undefined : note(principal, user);
    },
  };
}
