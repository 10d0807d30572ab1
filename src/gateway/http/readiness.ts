import { cannotServe, OUTAGES, outageOf, verdictOf, type OutageState, type Redis } from "../../redis/index.ts";
import { installedKey } from "../tenancy/installation.ts";

/** What `/readyz` says of one Redis. */
export type Readiness =
  | { readonly ready: true }
  | {
      readonly ready: false;
      /** Why, in one word: an {@link OutageState}, or what an operator must mend. */
      readonly state: OutageState | "refused" | "misused";
      /** The same for people, without addresses, names and secrets. */
      readonly reason: string;
      /** Whether stored answers are still read: exact hits are served, and sessions are known. */
      readonly reads: boolean;
    };

/** Longest wait for an answer of Redis, in milliseconds. */
const PROBE_WAIT_MS = 1_000;
/** How long a result is good: the route is open, and must not be a way to make Redis work. */
const KEPT_MS = 250;
/**
 * Asks a Redis for what the gateway needs of it: a small write, because a full, read-only or unsaved Redis still answers PING, and after it
 * failed a read. At most one probe every {@link KEPT_MS}; one round trip, two when it fails.
 */
export function createReadiness(redis: Redis): () => Promise<Readiness> {
  // The mark of an installation, if there is one: to write it again keeps it where Redis evicts, and nothing new comes into being.
  const key = installedKey(redis);
  let known: { readonly readiness: Promise<Readiness>; readonly untilMs: number } | undefined;

  async function probe(): Promise<Readiness> {
    try {
      await redis.send(["SET", key, "1", "XX"], { timeoutMs: PROBE_WAIT_MS, retry: "safe" });
      return { ready: true };
    } catch (error) {
      const verdict = verdictOf(error);
      const state = outageOf(error) ?? (verdict === "refused" ? "refused" : "misused");
      const reason = cannotServe(error)
        ? OUTAGES[state as OutageState]
        : "Redis refuses the gateway's commands: the rights of its user do not allow them";
      const reads = await redis.send(["GET", key], { timeoutMs: PROBE_WAIT_MS }).then(
        () => true,
        () => false,
      );
      return { ready: false, state, reason, reads };
    }
  }

  return () => {
    const nowMs = performance.now();
    if (known === undefined || nowMs >= known.untilMs) {
      const readiness = probe();
      // While it is under way everybody waits for the same one.
      known = { readiness, untilMs: Infinity };
      void readiness.then(() => (known = { readiness, untilMs: performance.now() + KEPT_MS }));
    }
    return known.readiness;
  };
}
