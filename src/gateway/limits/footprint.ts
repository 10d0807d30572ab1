import { hash } from "node:crypto";
import type { TurnBytes } from "../tenancy/turn-bytes.ts";
import type { LimitDefinition } from "./definition.ts";

/** Bytes that the takes of one scope's limits store in Redis, counted among the scope's bytes. */
export interface Footprint {
  /**
   * Estimates a take before it is made; call the returned function once it stored something. @throws MarrowError `too_large` if it would
   * store more in a full scope
   */
  admit(name: string, definition: LimitDefinition, subjects: Subjects): () => void;
  /** The same for a settlement, which is remembered this long. @throws MarrowError `too_large` for a full scope */
  settle(name: string, withinMs: number): () => void;
}

type Subjects = Readonly<Record<string, string>>;

/** Bytes of a key beside its subject, and of one entry of a sliding log, about. */
const KEY_BYTES = 250;
const ENTRY_BYTES = 64;
/** Approximate bytes of a key that marks a settlement. */
const SETTLED_BYTES = 300;
/** Shortest time that stored data is counted. */
const PERIOD_MS_MIN = 60_000;
/** Subjects that a process caches as counted; beyond that, those of the previous period are dropped. */
const KNOWN_MAX = 100_000;

/**
 * Counts by estimate and in batches, so that a take waits for nothing. Counts a subject once in the longest window of its limit, and each
 * entry of a sliding log; both for two windows. A process that dropped a subject from its cache counts it once more.
 */
export function createFootprint(scope: string, bytes: Pick<TurnBytes, "add" | "check">): Footprint {
  let [known, before]: [Set<string>, Set<string>] = [new Set(), new Set()];

  const isKnown = (name: string) => known.has(name) || before.has(name);
  function remember(name: string): void {
    if (known.size >= KNOWN_MAX) [known, before] = [new Set(), known];
    known.add(name);
  }

  /** Returns the subjects of a take that were not counted in this period, with their bytes; the bytes of its entries; and its period. */
  function weigh(name: string, { rules }: LimitDefinition, subjects: Subjects) {
    const periodMs = Math.max(PERIOD_MS_MIN, ...rules.map(toWindowMs));
    const period = Math.floor(Date.now() / periodMs);
    let entries = 0;
    const fresh = new Map<string, number>();
    for (const { by, algorithm, unit } of rules) {
      const subject = by === "app" ? "" : (subjects[by] ?? "");
      const ownKeys = algorithm === "slidingLog" || unit === "concurrency" ? 1 : 0;
      entries += ownKeys * ENTRY_BYTES;
      const id = hash("sha256", JSON.stringify([name, period, by, subject]), "base64url").slice(0, 16);
      if (isKnown(id)) continue;
      const size = KEY_BYTES + Math.min(subject.length, SUBJECT_CHARS_KEPT);
      fresh.set(id, (fresh.get(id) ?? size) + ownKeys * size);
    }
    return { fresh, entries, periodMs, thing: `limit:${name}:${period}` };
  }

  return {
    admit(name, definition, subjects) {
      const { fresh, entries, periodMs, thing } = weigh(name, definition, subjects);
      if (fresh.size > 0 || entries > 0) bytes.check(scope);
      return () => {
        let kept = entries;
        for (const [id, size] of fresh) {
          // Another take may have counted it meanwhile.
          if (isKnown(id)) continue;
          remember(id);
          kept += size;
        }
        if (kept > 0) bytes.add(scope, thing, kept, 2 * periodMs);
      };
    },

    settle(name, withinMs) {
      bytes.check(scope);
      return () => {
        const period = Math.floor((SETTLED_PERIODS * Date.now()) / withinMs);
        // The key of the last settlement in a period expires a whole TTL later.
        const lifeMs = withinMs + withinMs / SETTLED_PERIODS;
        bytes.add(scope, `limit-settled:${name}:${period}`, SETTLED_BYTES, lifeMs);
      };
    },
  };
}

/** Parts of their TTL in which settlements are counted together. */
const SETTLED_PERIODS = 12;

/** Longer subjects are stored as digests. */
const SUBJECT_CHARS_KEPT = 128;

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const CALENDAR_MS: ReadonlyMap<string, number> = new Map([
  ["hour", HOUR_MS],
  ["day", DAY_MS],
  ["week", 7 * DAY_MS],
  ["month", 31 * DAY_MS],
]);

function toWindowMs({ window_ms: windowMs, calendar }: LimitDefinition["rules"][number]): number {
  return windowMs ?? CALENDAR_MS.get(calendar ?? "") ?? 0;
}

/**
 * Returns the time after its take within which a permit may be settled, and for which the settlement is remembered, in milliseconds: an
 * hour, or two of its limit's longest windows or leases, in which it still counts; at most a day. Pure.
 */
export function settleWithinMs({ rules, lease_ms: leaseMs = 0 }: LimitDefinition): number {
  return Math.min(DAY_MS, Math.max(HOUR_MS, 2 * leaseMs, ...rules.map((rule) => 2 * toWindowMs(rule))));
}
