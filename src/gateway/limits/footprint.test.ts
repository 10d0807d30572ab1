import { describe, expect, it } from "vitest";
import { createFootprint, settleWithinMs } from "./footprint.ts";

const HOUR_MS = 3_600_000;
const ruleOf = (more: object) => ({ id: "r", by: "user", limit: 1, ...more });

describe("what settlements keep", () => {
  it("is counted among the bytes of the scope for as long as it is remembered", () => {
    const added: [string, number, number][] = [];
    const bytes = {
      add: (_: string, thing: string, size: number, lifeMs: number) => void added.push([thing, size, lifeMs]),
      check: () => {},
    };
    const footprint = createFootprint("acme", bytes);
    for (let nth = 0; nth < 100; nth += 1) footprint.settle("l", HOUR_MS)();
    expect(added.reduce((sum, [, size]) => sum + size, 0)).toBe(30_000);
    expect(new Set(added.map(([thing]) => thing)).size).toBeLessThanOrEqual(2);
    for (const [, , lifeMs] of added) expect(lifeMs).toBeGreaterThan(HOUR_MS);
  });

  it("lives as long as it means anything, an hour at least and a day at most", () => {
    expect(settleWithinMs({ rules: [ruleOf({ window_ms: 60_000 })] })).toBe(HOUR_MS);
    expect(settleWithinMs({ rules: [ruleOf({ unit: "concurrency" })], lease_ms: HOUR_MS })).toBe(2 * HOUR_MS);
    expect(settleWithinMs({ rules: [ruleOf({ window_ms: 5 * HOUR_MS }), ruleOf({ window_ms: 10 })] })).toBe(
      10 * HOUR_MS,
    );
    expect(settleWithinMs({ rules: [ruleOf({ calendar: "month" })] })).toBe(24 * HOUR_MS);
  });
});
