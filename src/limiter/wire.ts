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
/** Sizes of the parts of a spec. */
const [BEGIN_BYTES, RULE_BYTES, PLACES_BYTES] = [10, 29, 16];

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
  /** Returns the scripts' first value, as `scripts/lib/spec.lua` reads it: the rules with the requested costs. */
  spec(costs: readonly number[], flags: number, nowMs: number): Uint8Array;
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

  const blank = toBlank();
  /** The last spec, which the next take mostly repeats. */
  let last: { readonly costs: readonly number[]; readonly flags: number; readonly spec: Uint8Array } | undefined;

  /** Writes the rules without costs and periods. */
  function toBlank(): { readonly bytes: Buffer; readonly places: readonly number[] } {
    const bytes = Buffer.alloc(BEGIN_BYTES + rules.length * (RULE_BYTES + PLACES_BYTES));
    bytes.writeUInt8(subjects.length, 0);
    bytes.writeDoubleLE(leaseMs, 2);
    let at = BEGIN_BYTES;
    const places = rules.map((rule, i) => {
      const { algorithm, limit, windowMs, calendar } = rule;
      const code = calendar === undefined ? ALGORITHMS[algorithm] : CALENDAR;
      bytes.writeInt8(i === 0 || subjectOf[i] !== subjectOf[i - 1] ? -code : code, at);
      bytes.writeUInt32LE(tags[i] as number, at + 1);
      bytes.writeDoubleLE(limit, at + 5);
      bytes.writeDoubleLE(windowMs, at + 13);
      const cost = at + 21;
      at += RULE_BYTES;
      if (code < ALGORITHMS.tokenBucket) return cost;
      bytes.writeDoubleLE(algorithm === "tokenBucket" ? rule.burst : hasOwnKey(rule) ? ownAt(rule) + 1 : 0, at);
      at += PLACES_BYTES;
      return cost;
    });
    return { bytes: bytes.subarray(0, at), places };
  }

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
      if (last?.flags === flags && costs.every((cost, i) => cost === last?.costs[i])) return last.spec;
      const spec = Buffer.from(blank.bytes);
      spec.writeUInt8(flags + always, 1);
      for (const [i, at] of blank.places.entries()) {
        spec.writeDoubleLE(costs[i] as number, at);
        const period = periodOf(rules[i] as ResolvedRule, nowMs);
        if (period === undefined) continue;
        spec.writeDoubleLE(period.fromMs, at + 8);
        spec.writeDoubleLE(period.untilMs, at + 16);
      }
      if (!calendars) last = { costs, flags, spec };
      return spec;
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
