import { MarrowError } from "../errors.ts";
import { checkScope, encodeKeyPart, type ScopedRedis } from "../redis/index.ts";
import { listPage, searchSessions, type ListOptions, type SearchOptions, type SessionPage } from "./directory.ts";
import { createFacts, type Facts } from "./facts.ts";
import type { Session } from "./handle.ts";
import { createLearning } from "./learning.ts";
import { resolveOptions, type MemoryOptions } from "./options.ts";
import { createSession } from "./session.ts";

/** What was forgotten of a user. */
export interface ForgetReceipt {
  readonly sessions: number;
  readonly turns: number;
  readonly facts: number;
}

/** What is remembered in one scope. */
export interface Memory {
  /** A handle; no round trip. The same id of two users is two sessions. */
  session(of: { readonly user: string; readonly id: string }): Session;
  /** A user's sessions by their last change; those that have ended are not there. One round trip. */
  sessions(options: ListOptions): Promise<SessionPage>;
  /** A user's sessions in which all of some words were said, the newest first. Reads the sessions, 500 at most a call; the cursor goes on. */
  search(options: SearchOptions): Promise<SessionPage>;
  /** What is known of a user over all sessions. @throws MarrowError `unsupported` without `facts` in the options */
  facts(user: string): Facts;
  /**
   * Learns from the turns of a session that were not learned from yet, now; answers how many facts were found.
   * @throws MarrowError `unsupported` without `extract` in the options; what `extract` throws
   */
  learn(of: { readonly user: string; readonly id: string }): Promise<number>;
  /**
   * Forgets a user: sessions, with their state and summaries, and facts. May be called again when it broke off, and forgets the rest. Says
   * what it forgot. What other roles hold of the user is theirs to forget: `forgetSubject` of the cache.
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
    if (known === undefined) throw new MarrowError("unsupported", "this memory was made without facts");
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
      if (learning === undefined) throw new MarrowError("unsupported", "this memory was made without extract");
      return learning.learn(user, id);
    },

    async forget(user) {
      let [sessions, turns] = [0, 0];
      for (;;) {
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
