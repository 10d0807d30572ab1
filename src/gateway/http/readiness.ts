import {
  checkShards,
  OUTAGES,
  outageOf,
  verdictOf,
  type OutageState,
  type Redis,
  type ShardCheck,
} from "../../redis/index.ts";
import { installedKey } from "../tenancy/installation.ts";
import { createPace } from "./pace.ts";
import { findMissingRights, rightOf } from "./rights.ts";

/** State of one Redis in `/readyz`. */
export type Readiness =
  | { readonly ready: true }
  | {
      readonly ready: false;
      /** Reason in one word: an {@link OutageState}, answers that come too late, or a problem that an operator must fix. */
      readonly state: OutageState | "slow" | "refused" | "misused";
      /** Reason for people, without addresses, names and secrets. */
      readonly reason: string;
      /** Whether stored data can be read: exact hits are served, and sessions are available. */
      readonly reads: boolean;
      /** For the state `rights`: the missing rights, as commands and kinds of keys. */
      readonly missing?: readonly string[];
    };

/** Longest wait for an answer of Redis, in milliseconds. */
const PROBE_WAIT_MS = 1_000;
/** How long chats wait for the cache and for limits, in milliseconds: the default of both. */
const CHAT_WAIT_MS = 250;
/** Time that a result is cached: the route is public, and must not allow loading Redis. */
const KEPT_MS = 250;
/**
 * Checks a Redis for everything the gateway needs: a small write, because a full, read-only or failing Redis still answers PING, and its
 * rights; after a failure also a read. Of a cluster, each master, and each slot that did not serve a command. Redis is too slow if three such
 * writes in a row take longer than chats wait, and until three in a row do not. At most one probe per {@link KEPT_MS}; concurrent round trips
 * (two, and one for each of these parts), one more after a failure, and up to two more writes after a late one. Calls `onMissing` if rights are
 * missing, and `onEmptied` if the installation's mark has disappeared.
 */
export function createReadiness(
  redis: Redis,
  onMissing: () => void = () => {},
  onEmptied: () => void = () => {},
): () => Promise<Readiness> {
  // The mark of an installation, if there is one: to write it again keeps it where Redis evicts, and nothing new comes into being.
  const key = installedKey(redis);
  let isMarked = false;
  const isSlow = createPace(async () => {
    const wait = { timeoutMs: CHAT_WAIT_MS, retry: "safe" } as const;
    const [written, { failures }] = await Promise.all([
      redis.send(["SET", key, "1", "XX"], wait).catch((error: unknown) => error),
      checkShards(redis, CHAT_WAIT_MS),
    ]);
    // A write that was refused because those before it had no answer is late, too.
    return ![written, ...failures].some((error) => outageOf(error) === "no_answer");
  });
  let known: { readonly readiness: Promise<Readiness>; readonly untilMs: number } | undefined;

  async function probe(): Promise<Readiness> {
    const sinceMs = performance.now();
    let tookMs = 0;
    const [unwritten, missing, shards] = await Promise.all([
      redis.send(["SET", key, "1", "XX"], { timeoutMs: PROBE_WAIT_MS, retry: "safe" }).then(
        (written) => {
          tookMs = Math.max(tookMs, performance.now() - sinceMs);
          if (isMarked && written === null) onEmptied();
          isMarked = written !== null;
          return undefined;
        },
        (error: unknown) => error ?? new Error("unknown"),
      ),
      // If the write succeeds and this fails for another reason, no rights count as missing.
      findMissingRights(redis, PROBE_WAIT_MS).catch(() => []),
      checkShards(redis, PROBE_WAIT_MS).then((checked) => {
        tookMs = Math.max(tookMs, performance.now() - sinceMs);
        return checked;
      }),
    ]);
    const failure = unwritten ?? shards.failures[0] ?? shards.unserved[0];
    const lacking = [...new Set([...(rightOf(failure) === undefined ? [] : ["SET"]), ...missing])];
    if (failure === undefined && lacking.length === 0)
      return (await isSlow(tookMs <= CHAT_WAIT_MS)) ? TOO_SLOW : { ready: true };
    const unread = await redis.send(["GET", key], { timeoutMs: PROBE_WAIT_MS }).then(
      () => undefined,
      (error: unknown) => error ?? new Error("unknown"),
    );
    const reads = unread === undefined;
    const state = failure === undefined ? "rights" : withinCluster(stateOf(failure, unread), shards);
    if (state === "rights") {
      onMissing();
      return { ready: false, state, reason: OUTAGES.rights, reads, missing: lacking };
    }
    return { ready: false, state, reason: `${isOutage(state) ? OUTAGES[state] : REFUSED}${partOf(shards)}`, reads };
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

const TOO_SLOW: Readiness = {
  ready: false,
  state: "slow",
  reason: `Redis answers later than chats wait for it (${CHAT_WAIT_MS} ms)`,
  // They wait no longer for a stored answer.
  reads: false,
};
const REFUSED = "Redis refuses the gateway's commands";

function stateOf(unwritten: unknown, unread: unknown): OutageState | "refused" | "misused" {
  const state = outageOf(unwritten) ?? refusedAs(unwritten);
  // A replica refuses writes before it reports that it lost its master.
  return state === "read_only" && outageOf(unread) === "stale" ? "stale" : state;
}

/** Where other masters serve, one that does not answer is a part of a cluster that is not served. */
function withinCluster<State extends string>(state: State, { masters, failures }: ShardCheck): State | "cluster_down" {
  const isAway = state === "no_answer" || state === "unreachable";
  return isAway && failures.length < masters ? "cluster_down" : state;
}

/** How much of a cluster fails, for people. */
function partOf({ masters, failures, unserved }: ShardCheck): string {
  if (failures.length > 0) return ` (${failures.length} of ${masters} masters)`;
  return unserved.length > 0 ? ` (slots that are not served or are being moved: ${unserved.length})` : "";
}

function refusedAs(error: unknown): "refused" | "misused" {
  return verdictOf(error) === "refused" ? "refused" : "misused";
}

function isOutage(state: string): state is OutageState {
  return Object.hasOwn(OUTAGES, state);
}
