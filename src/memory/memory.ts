import { MarrowError } from "../errors.ts";
import { boundRounds, checkScope, encodeKeyPart, type ScopedRedis } from "../redis/index.ts";
import { listPage, searchSessions, type ListOptions, type SearchOptions, type SessionPage } from "./directory.ts";
import { createFacts, type Facts } from "./facts.ts";
import type { Session } from "./handle.ts";
import { createLearning } from "./learning.ts";
import { resolveOptions, type MemoryOptions } from "./options.ts";
import { createSession } from "./session.ts";

/** Numbers of deleted items of a user. */
export interface ForgetReceipt {
  readonly sessions: number;
  readonly turns: number;
  readonly facts: number;
}

/** The sessions and facts of one scope. */
export interface Memory {
  /** Returns a handle; no round trip. Two users' sessions with the same id are different sessions. */
  session(of: { readonly user: string; readonly id: string }): Session;
  /** A user's sessions, ordered by their last change, without expired ones. One round trip. */
  sessions(options: ListOptions): Promise<SessionPage>;
  /** A user's sessions that contain all of some words, newest first. A call reads at most 500 sessions; continue with the cursor. */
  search(options: SearchOptions): Promise<SessionPage>;
  /** A user's long-term facts, shared by all sessions. @throws MarrowError `unsupported` without `facts` in the options */
  facts(user: string): Facts;
  /**
   * Extracts facts now from the turns of a session that were not processed yet. Returns how many facts were found.
   * @throws MarrowError `unsupported` without `extract` in the options; what `extract` throws
   */
  learn(of: { readonly user: string; readonly id: string }): Promise<number>;
  /**
   * Deletes a user's sessions (with state and summaries) and facts, and returns how many. If it was interrupted, call it again: it deletes
   * the rest. Other roles delete their own data of a user, such as `forgetSubject` of the cache.
   */
  forget(user: string): Promise<ForgetReceipt>;
}

/** Makes the memory of one scope. @throws MarrowError `invalid_option` */
export function createMemory(redis: ScopedRedis, options: MemoryOptions): Memory {
  const scoped = checkScope(redis);
  const resolved = resolveOptions(options);
  const { name, extract, extractAfterMs, recallLimit } = resolved;
  const known = options.facts && createFacts(scoped, { name, ...options.facts });

  function factsOf(user: string): Facts {
    if (known === undefined) throw new MarrowError("unsupported", "this needs the option facts of createMemory");
    return known.subject(user);
  }

  const learning =
    extract &&
    createLearning({
      redis: scoped,
      name,
      extract,
      extractAfterMs,
      factsOf,
      open: (user, id) => session({ user, id }),
    });

  const parts = {
    redis: scoped,
    options: resolved,
    recall:
      known &&
      (async (user: string, about: string, signal?: AbortSignal) =>
        (await factsOf(user).recall(about, { limit: recallLimit, signal })).map(({ text }) => text)),
    onAppend: learning && ((user: string, id: string) => learning.noted(user, id)),
  };

  function session({ user, id }: { readonly user: string; readonly id: string }): Session {
    encodeKeyPart("user", user);
    return createSession(parts, user, id);
  }

  return {
    session,
    sessions: (wanted) => listPage(scoped, name, wanted),
    search: (wanted) => searchSessions(scoped, name, wanted, (id) => session({ user: wanted.user, id })),
    facts: factsOf,

    async learn({ user, id }) {
      if (learning === undefined) throw new MarrowError("unsupported", "this needs the option extract of createMemory");
      return learning.learn(user, id);
    },

    async forget(user) {
      let [sessions, turns] = [0, 0];
      const round = boundRounds("the list of a user's sessions");
      for (;;) {
        round();
        const { data } = await listPage(scoped, name, { user, limit: 100, order: "asc" });
        if (data.length === 0) break;
        for (const { id } of data) {
          const held = await session({ user, id }).end();
          sessions += held < 0 ? 0 : 1;
          turns += Math.max(0, held);
        }
      }
      return { sessions, turns, facts: known === undefined ? 0 : await factsOf(user).forgetAll() };
    },
  };
}
