import { OUTAGES, outageOf, verdictOf, type OutageState, type Redis } from "../../redis/index.ts";
import { installedKey } from "../tenancy/installation.ts";
import { findMissingRights, rightOf } from "./rights.ts";

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
      /** Of the state `rights`: what its user may not do, as names of commands and kinds of keys. */
      readonly missing?: readonly string[];
    };

/** Longest wait for an answer of Redis, in milliseconds. */
const PROBE_WAIT_MS = 1_000;
/** How long a result is good: the route is open, and must not be a way to make Redis work. */
const KEPT_MS = 250;
/**
 * Asks a Redis for what the gateway needs of it: a small write, because a full, read-only or unsaved Redis still answers PING, and which rights
 * are missing; after either failed a read. At most one probe every {@link KEPT_MS}; two round trips at once, three when one fails.
 * `onMissing` hears when rights are missing, `onEmptied` when the mark of the installation is gone that was there before.
 */
export function createReadiness(
  redis: Redis,
  onMissing: () => void = () => {},
  onEmptied: () => void = () => {},
): () => Promise<Readiness> {
  // The mark of an installation, if there is one: to write it again keeps it where Redis evicts, and nothing new comes into being.
  const key = installedKey(redis);
  let isMarked = false;
  let known: { readonly readiness: Promise<Readiness>; readonly untilMs: number } | undefined;

  async function probe(): Promise<Readiness> {
    const [failure, missing] = await Promise.all([
      redis.send(["SET", key, "1", "XX"], { timeoutMs: PROBE_WAIT_MS, retry: "safe" }).then(
        (written) => {
          if (isMarked && written === null) onEmptied();
          isMarked = written !== null;
          return undefined;
        },
        (error: unknown) => error ?? new Error("unknown"),
      ),
      // Where the write succeeds and this fails for another reason, the rights are not known to be missing.
      findMissingRights(redis, PROBE_WAIT_MS).catch(() => []),
    ]);
    const lacking = [...new Set([...(rightOf(failure) === undefined ? [] : ["SET"]), ...missing])];
    if (failure === undefined && lacking.length === 0) return { ready: true };
    const unread = await redis.send(["GET", key], { timeoutMs: PROBE_WAIT_MS }).then(
      () => undefined,
      (error: unknown) => error ?? new Error("unknown"),
    );
    const reads = unread === undefined;
    const state = failure === undefined ? "rights" : stateOf(failure, unread);
    if (state === "rights") {
      onMissing();
      return { ready: false, state, reason: OUTAGES.rights, reads, missing: lacking };
    }
    return { ready: false, state, reason: isOutage(state) ? OUTAGES[state] : REFUSED, reads };
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

const REFUSED = "Redis refuses the gateway's commands";

function stateOf(unwritten: unknown, unread: unknown): OutageState | "refused" | "misused" {
  const state = outageOf(unwritten) ?? refusedAs(unwritten);
  // A replica refuses writes as such before it says that it has lost its master.
  return state === "read_only" && outageOf(unread) === "stale" ? "stale" : state;
}

function refusedAs(error: unknown): "refused" | "misused" {
  return verdictOf(error) === "refused" ? "refused" : "misused";
}

function isOutage(state: string): state is OutageState {
  return Object.hasOwn(OUTAGES, state);
}
