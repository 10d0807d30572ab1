import { answer, charge, NOTHING, roomOf, type RuleCount } from "./counting.ts";
import { periodOf } from "./calendar.ts";
import { SCALE, type ResolvedRule } from "./options.ts";
import type { Wire } from "./wire.ts";
import { dropOldest } from "../internal/drop-oldest.ts";

/** Subjects that are counted here while Redis is away; the one longest unseen goes first. */
const SUBJECTS_MAX = 10_000;

/** Decision of a process on its own. */
export interface LocalAnswer {
  /** Index of the refusing rule in the wire's order, or -1. */
  readonly refused: number;
  readonly waitMs: number;
  readonly used: readonly number[];
  readonly rooms: readonly number[];
}

/** Units that were admitted locally and are not yet charged in Redis. */
export interface Unheard {
  readonly keys: readonly string[];
  readonly units: readonly number[];
  readonly atMs: number;
}

/** Counts of one process, within its share of each limit. */
export interface Local {
  take(keys: readonly string[], costs: readonly number[], nowMs: number): LocalAnswer;
  /** Corrects taken units, by the difference for each rule. */
  correct(keys: readonly string[], deltas: readonly number[], nowMs: number): void;
  /** Returns the units to charge in Redis, and clears them. Slots are not included. */
  drain(): readonly Unheard[];
}

/** Makes local counts with the arithmetic of the script. */
export function createLocal({ rules, subjectOf }: Wire, share: number): Local {
  const shared = rules.map((rule): ResolvedRule => {
    const part = (units: number) => Math.floor(units * share);
    // There are no parts of a slot.
    const limit =
      rule.algorithm === "concurrency" ? Math.floor((rule.limit * share) / SCALE) * SCALE : part(rule.limit);
    return { ...rule, limit, burst: part(rule.burst) };
  });
  const counts = new Map<string, RuleCount>();
  const unheard = new Map<string, Unheard>();
  const nameOf = (keys: readonly string[], i: number) => `${keys[subjectOf[i] as number]} ${i}`;

  function write(name: string, count: RuleCount): void {
    counts.delete(name);
    counts.set(name, count);
    dropOldest(counts, SUBJECTS_MAX);
  }

  function note(keys: readonly string[], deltas: readonly number[], atMs: number): void {
    const name = keys.join(" ");
    const before = unheard.get(name)?.units;
    const units = rules.map(({ algorithm }, i) =>
      algorithm === "concurrency" ? 0 : (before?.[i] ?? 0) + (deltas[i] as number),
    );
    unheard.delete(name);
    unheard.set(name, { keys, units, atMs });
    dropOldest(unheard, SUBJECTS_MAX);
  }

  return {
    take(keys, costs, nowMs) {
      const answers = shared.map((rule, i) => {
        const count = counts.get(nameOf(keys, i)) ?? NOTHING;
        return answer({ rule, cost: costs[i] as number, count, period: periodOf(rule, nowMs) }, nowMs);
      });
      const waitMs = Math.max(...answers.map((one) => one.waitMs));
      const told = { used: answers.map(({ used }) => used), rooms: shared.map(roomOf) };
      if (waitMs > 0) return { refused: answers.findIndex((one) => one.waitMs === waitMs), waitMs, ...told };
      for (const [i, rule] of shared.entries())
        write(nameOf(keys, i), charge(rule, (answers[i] as { count: RuleCount }).count, costs[i] as number, nowMs));
      note(keys, costs, nowMs);
      return { refused: -1, waitMs: 0, ...told };
    },

    correct(keys, deltas, nowMs) {
      for (const i of shared.keys()) {
        const count = counts.get(nameOf(keys, i));
        if (count !== undefined) write(nameOf(keys, i), { ...count, b: Math.max(0, count.b + (deltas[i] as number)) });
      }
      note(keys, deltas, nowMs);
    },

    drain() {
      const all = [...unheard.values()].filter(({ units }) => units.some((one) => one > 0));
      unheard.clear();
      counts.clear();
      return all;
    },
  };
}
