import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { answer, charge, NOTHING, roomOf, type RuleCount } from "./counting.ts";
import { resolveOptions, type Rule } from "./options.ts";

const START_MS = Date.UTC(2026, 10, 23);
const WINDOW_MS = 1_000;
const resolve = (rule: Rule) => resolveOptions({ name: "l", rules: [rule], onUnavailable: "refuse" }).rules[0]!;
const step = fc.record({
  pauseMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 400 }), fc.integer({ min: 900, max: 3_000 })),
  cost: fc.integer({ min: 0, max: 9 }),
});
const history = fc.array(step, { minLength: 1, maxLength: 60 });

interface Admitted {
  readonly atMs: number;
  readonly cost: number;
}

/** What a rule admits of a history, in units. */
function admit(rule: Rule, steps: readonly { readonly pauseMs: number; readonly cost: number }[]): Admitted[] {
  const resolved = resolve(rule);
  let count: RuleCount = NOTHING;
  let nowMs = START_MS;
  const admitted: Admitted[] = [];
  for (const { pauseMs, cost } of steps) {
    nowMs += pauseMs;
    const told = answer({ rule: resolved, cost: cost * 1_000, count }, nowMs);
    count = told.count;
    if (told.waitMs > 0) continue;
    count = charge(resolved, count, cost * 1_000, nowMs);
    admitted.push({ atMs: nowMs, cost });
  }
  return admitted;
}

const sum = (list: readonly Admitted[]) => list.reduce((all, { cost }) => all + cost, 0);
const between = (list: readonly Admitted[], fromMs: number, untilMs: number) =>
  sum(list.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs));

const window = (algorithm: "slidingWindow" | "slidingLog" | "fixedWindow"): Rule => ({
  id: "r",
  by: "user",
  algorithm,
  limit: 12,
  windowMs: WINDOW_MS,
});
const bucket: Rule = { id: "r", by: "user", algorithm: "tokenBucket", limit: 12, windowMs: WINDOW_MS, burst: 20 };

describe("over random histories", () => {
  it("a sliding log admits no more than its limit in any window, wherever it begins", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const admitted = admit(window("slidingLog"), steps);
        for (const { atMs } of admitted) expect(between(admitted, atMs, atMs + WINDOW_MS)).toBeLessThanOrEqual(12);
      }),
    );
  });

  it.each(["fixedWindow", "slidingWindow"] as const)(
    "a %s admits no more than its limit in a window of the clock, and twice that in any",
    (algorithm) => {
      fc.assert(
        fc.property(history, (steps) => {
          const admitted = admit(window(algorithm), steps);
          for (const { atMs } of admitted) {
            const fromMs = Math.floor(atMs / WINDOW_MS) * WINDOW_MS;
            expect(between(admitted, fromMs, fromMs + WINDOW_MS)).toBeLessThanOrEqual(12);
            expect(between(admitted, atMs, atMs + WINDOW_MS)).toBeLessThanOrEqual(24);
          }
        }),
      );
    },
  );

  it("a token bucket admits no more than its burst and what came back since", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const admitted = admit(bucket, steps);
        for (const [i, { atMs: fromMs }] of admitted.entries())
          for (const { atMs } of admitted.slice(i)) {
            const most = 20 + (12 * (atMs - fromMs)) / WINDOW_MS;
            expect(between(admitted, fromMs, atMs + 1)).toBeLessThanOrEqual(most + 0.001);
          }
      }),
    );
  });

  it.each([window("slidingLog"), window("fixedWindow"), window("slidingWindow"), bucket])(
    "what is refused is allowed after the wait that was told, and no millisecond before ($algorithm)",
    (rule) => {
      const resolved = resolve(rule);
      fc.assert(
        fc.property(history, (steps) => {
          let count: RuleCount = NOTHING;
          let nowMs = START_MS;
          for (const { pauseMs, cost } of steps) {
            nowMs += pauseMs;
            const told = answer({ rule: resolved, cost: cost * 1_000, count }, nowMs);
            if (told.waitMs === 0) count = charge(resolved, told.count, cost * 1_000, nowMs);
            else if (told.waitMs === Infinity) expect(cost * 1_000).toBeGreaterThan(roomOf(resolved));
            else {
              const after = (ms: number) => answer({ rule: resolved, cost: cost * 1_000, count }, nowMs + ms).waitMs;
              expect(after(told.waitMs)).toBe(0);
              expect(after(told.waitMs - 1)).toBeGreaterThan(0);
            }
          }
        }),
      );
    },
  );
});
