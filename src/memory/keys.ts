import { encodeKeyPart, keyTag, type ScopedRedis } from "../redis/index.ts";

/** Keys of one user's sessions, all in one slot: `{app:scope:user}:memory:<name>:…`. */
export interface UserKeys {
  /** Key of the user's sessions, by their last change. */
  readonly sessions: string;
  /** Start of every session's keys; its encoded id follows. */
  readonly starts: string;
  session(id: string): SessionKeys;
}

/** Keys of one session. */
export interface SessionKeys {
  /** Returns a session's id as in keys and in the list of sessions. */
  readonly encoded: string;
  readonly log: string;
  readonly meta: string;
  readonly ids: string;
  /** Channel on which changes are published. */
  readonly changes: string;
}

export function userKeys(redis: ScopedRedis, name: string, user: string): UserKeys {
  const start = `${keyTag(redis, [user])}:memory:${encodeKeyPart("name", name)}`;
  return {
    sessions: `${start}:sessions`,
    starts: `${start}:session:`,
    session(id) {
      const encoded = encodeKeyPart("id", id);
      const own = `${start}:session:${encoded}`;
      return { encoded, log: `${own}:log`, meta: `${own}:meta`, ids: `${own}:ids`, changes: `${own}:changes` };
    },
  };
}
