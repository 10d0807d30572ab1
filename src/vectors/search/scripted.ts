import type { ScopedRedis } from "../../redis/index.ts";

/** How long a server that ran no search in a script is not asked for another one: its module or its settings may change. */
const REFUSED_MS = 60_000;

/**
 * Whether a server searches within scripts. RediSearch does unless it searches in threads of its own (WORKERS above 0), valkey-search
 * does; what others do is found by trying.
 */
export interface ScriptedSearches {
  mayBeAsked(): boolean;
  refused(): void;
}

/** Handles come and go with requests: what is known belongs to what sends. */
const refusedUntilMs = new WeakMap<ScopedRedis["send"], number>();

/** What is known of a connection's server. */
export function scriptedSearches({ send }: Pick<ScopedRedis, "send">): ScriptedSearches {
  return {
    mayBeAsked: () => performance.now() >= (refusedUntilMs.get(send) ?? 0),
    refused: () => void refusedUntilMs.set(send, performance.now() + REFUSED_MS),
  };
}
