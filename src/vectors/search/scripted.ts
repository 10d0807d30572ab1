import type { ScopedRedis } from "../../redis/index.ts";

/** Time after which a server that ran no search in a script is tried again: its module or settings may change. */
const REFUSED_MS = 60_000;

/**
 * Tracks whether a server can search within scripts. RediSearch can, unless it searches in its own threads (WORKERS above 0), and so can
 * valkey-search; others are tried.
 */
export interface ScriptedSearches {
  mayBeAsked(): boolean;
  refused(): void;
}

/** Handles are often made per request, so the result is stored by the connection's `send`. */
const refusedUntilMs = new WeakMap<ScopedRedis["send"], number>();

/** Returns the result for a connection's server. */
export function scriptedSearches({ send }: Pick<ScopedRedis, "send">): ScriptedSearches {
  return {
    mayBeAsked: () => performance.now() >= (refusedUntilMs.get(send) ?? 0),
    refused: () => void refusedUntilMs.set(send, performance.now() + REFUSED_MS),
  };
}
