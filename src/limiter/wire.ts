import { hash } from "node:crypto";
import { refuse } from "../internal/check.ts";
import { periodOf } from "./calendar.ts";
import type { LimiterKeys } from "./keys.ts";
import type { Layout } from "./mending.ts";
import type { ResolvedRule } from "./options.ts";

/** Options of a script beside counting, as bits of its flags. */
export const FLAGS = { look: 1, leases: 2, wait: 4, calendars: 8, sets: 16, exceptions: 32 } as const;

const ALGORITHMS = { slidingWindow: 1, fixedWindow: 2, tokenBucket: 3, slidingLog: 4, concurrency: 5 } as const;
const CALENDAR = 6;

/** Encodes a limiter's rules for its scripts. */
export interface Wire {
  /** Values of `by`, each a subject; rules of one subject share a record. */
  readonly subjects: readonly string[];
  /** The rules in the scripts' order: by subject. */
  readonly rules: readonly ResolvedRule[];
  /** Tags of the rules in records. They cover the properties that must not change while a count continues (the limit may). */
  readonly tags: readonly number[];
  /** Index of each rule's subject. */
  readonly subjectOf: readonly number[];
  /** What the keys of a take hold. */
  readonly layout: Layout;
  /** Whether logs or lines need the name of a take. */
  readonly named: boolean;
  /** Returns all keys of a take, in the scripts' order; the last one is that of exceptions, which most takes do not need. */
  keys(subjectOf: (by: string) => string): string[];
  /** Returns the key of a subject's leases among the keys of a take. */
  leasesOf(keys: readonly string[], subject: number): string;
  /** Returns the lines for slots among the keys of a take, with the leases of their subjects. */
  linesOf(keys: readonly string[]): readonly { readonly line: string; readonly leases: string }[];
  /** Returns the scripts' first value: the rules with the requested costs. */
  spec(costs: readonly number[], flags: number, nowMs: number): string;
  /** Encodes the old and new costs of a settlement, for each rule. */
  settled(takenAtMs: number, rules: readonly SettledRule[]): string;
}

/** One rule's part of a settlement, in thousandths. */
export interface SettledRule {
  readonly old: number;
  readonly new: number;
  /** Whether a lease holds the old costs. */
  readonly leased: boolean;
}

/** Makes the encoding of a limiter's rules. */
export function createWire(unordered: readonly ResolvedRule[], names: LimiterKeys, leaseMs: number): Wire {
  const subjects = [...new Set(unordered.map(({ by }) => by))];
  const rules = subjects.flatMap((subject) => unordered.filter(({ by }) => by === subject));
  const subjectOf = rules.map(({ by }) => subjects.indexOf(by));
  const leased = rules.some(({ unit }) => unit !== "requests");
  const tags = rules.map(tagOf);
  if (new Set(tags).size !== tags.length) refuse("rules", "rules whose ids have different checksums", rules);

  const shared = subjects.length + (leased ? subjects.length : 0);
  const own = rules.filter(hasOwnKey);
  const ownAt = (rule: ResolvedRule) => shared + own.indexOf(rule);
  const leasesOf = (keys: readonly string[], subject: number) => keys[subjects.length + subject] as string;
  const calendars = rules.some(({ calendar }) => calendar !== undefined);
  const kinds = [
    ...subjects.map(() => "r"),
    ...(leased ? subjects.map(() => "l") : []),
    ...own.map(({ algorithm }) => (algorithm === "slidingLog" ? "g" : "z")),
    "h",
  ].join("");
  const slots = tags.filter((_, i) => rules[i]?.algorithm === "concurrency");
  const layout = { kinds, slots, lifeMs: Math.max(4 * leaseMs, ...rules.map(({ windowMs }) => 2 * windowMs)) };
  const always = (leased ? FLAGS.leases : 0) + (calendars ? FLAGS.calendars : 0) + (own.length > 0 ? FLAGS.sets : 0);

  // One list of numbers as text: read by one call in the script, and bytes would cost the client more.
  const starts = rules.map((rule, i) => {
    const { algorithm, limit, windowMs, calendar } = rule;
    const code = calendar === undefined ? ALGORITHMS[algorithm] : CALENDAR;
    const sign = i === 0 || subjectOf[i] !== subjectOf[i - 1] ? "-" : "";
    return `,${sign}${code},${tags[i]},${limit},${windowMs},`;
  });
  const ends = rules.map((rule) => {
    if (rule.algorithm === "tokenBucket") return `,${rule.burst},0`;
    return hasOwnKey(rule) ? `,${ownAt(rule) + 1},0` : "";
  });

  return {
    subjects,
    rules,
    tags,
    subjectOf,
    leasesOf,
    layout,
    linesOf: (keys) =>
      own.flatMap((rule) => {
        if (rule.algorithm !== "concurrency") return [];
        return [{ line: keys[ownAt(rule)] as string, leases: leasesOf(keys, subjects.indexOf(rule.by)) }];
      }),
    named: own.length > 0,
    keys(named) {
      const subjectsNow = subjects.map((by) => [by, named(by)] as const);
      const [by, subject] = subjectsNow[0] as readonly [string, string];
      const keys = subjectsNow.map(([one, of]) => names.record(one, of));
      if (leased) for (const [one, of] of subjectsNow) keys.push(names.leases(one, of));
      for (const { id, by: one, algorithm } of own)
        keys.push(algorithm === "slidingLog" ? names.log(id, one, named(one)) : names.line(id, one, named(one)));
      keys.push(names.exceptions(by, subject));
      return keys;
    },
    spec(costs, flags, nowMs) {
      let spec = `[${subjects.length},${flags + always},${leaseMs}`;
      for (let i = 0; i < rules.length; i += 1) {
        const period = periodOf(rules[i] as ResolvedRule, nowMs);
        const end = period === undefined ? (ends[i] as string) : `,${period.fromMs},${period.untilMs}`;
        spec += (starts[i] as string) + costs[i] + end;
      }
      return `${spec}]`;
    },
    settled: (takenAtMs, settledRules) =>
      JSON.stringify([
        takenAtMs,
        ...settledRules.flatMap(({ old, new: now, leased: held }) => [old, now, held ? 1 : 0]),
      ]),
  };
}

function hasOwnKey({ algorithm }: ResolvedRule): boolean {
  return algorithm === "slidingLog" || algorithm === "concurrency";
}

function tagOf({ id, unit, algorithm, windowMs, calendar }: ResolvedRule): number {
  const { period = "", timeZone = "" } = calendar ?? {};
  return hash("sha256", JSON.stringify([id, unit, algorithm, windowMs, period, timeZone]), "buffer").readUInt32LE(0);
}
