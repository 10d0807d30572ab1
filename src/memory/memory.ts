import { checkScope, encodeKeyPart, type ScopedRedis } from "../redis/index.ts";
import { listPage, searchSessions, type ListOptions, type SearchOptions, type SessionPage } from "./directory.ts";
import type { Session } from "./handle.ts";
import { resolveOptions, type MemoryOptions } from "./options.ts";
import { createSession } from "./session.ts";

/** Sessions of one scope. */
export interface Memory {
  /** A handle; no round trip. The same id of two users is two sessions. */
  session(of: { readonly user: string; readonly id: string }): Session;
  /** A user's sessions by their last change; those that have ended are not there. One round trip. */
  sessions(options: ListOptions): Promise<SessionPage>;
  /** A user's sessions in which all of some words were said, the newest first. Reads the sessions, 500 at most a call; the cursor goes on. */
  search(options: SearchOptions): Promise<SessionPage>;
}

/** Makes the memory of one scope. @throws MarrowError `invalid_option` */
export function createMemory(redis: ScopedRedis, options: MemoryOptions): Memory {
  const scoped = checkScope(redis);
  const resolved = resolveOptions(options);
  const parts = { redis: scoped, options: resolved, recall: undefined };

  function session({ user, id }: { readonly user: string; readonly id: string }): Session {
    encodeKeyPart("user", user);
    encodeKeyPart("id", id);
    return createSession(parts, user, id);
  }

  return {
    session,
    sessions: (wanted) => listPage(scoped, resolved.name, wanted),
    search: (wanted) => searchSessions(scoped, resolved.name, wanted, (id) => session({ user: wanted.user, id })),
  };
}
